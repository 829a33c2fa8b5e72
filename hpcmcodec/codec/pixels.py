"""Pixels <-> network input and output."""

from __future__ import annotations

import numpy as np

from hpcmcodec import kernels

Pixels = np.ndarray
"""(H, W, C) with C = 1 or 3: uint8, or uint16 with all of its 16 bits."""


def to_network(pixels: Pixels, rows: int, columns: int) -> np.ndarray:
    """(1, 3, rows, columns) float32 in 0..1: grey three times, the right and bottom edges repeated where pixels end."""
    height, width, channels = pixels.shape
    planes = np.broadcast_to(pixels, (height, width, 3)) if channels == 1 else pixels
    padded = np.pad(planes, ((0, rows - height), (0, columns - width), (0, 0)), "edge")
    return np.ascontiguousarray(
        padded.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    )


def from_network(x_hat: np.ndarray, channels: int) -> Pixels:
    """Average to grey if one channel is wanted, clamp to 0..1, round half to even (normative, FORMAT.md)."""
    x = x_hat[0]
    if channels == 1:
        x = ((x[0] + x[1]) + x[2])[None] * np.float32(1 / 3)
    return kernels.round_pixels(np.ascontiguousarray(x))
