"""Operations on elements and on neighbouring pixels. Wrong types, layouts or shapes raise ValueError."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._load import native


def leaky_relu(x: Float32, slope: float = 0.01) -> Float32:
    """x > 0 ? x : x * slope, any shape."""
    return native().leaky_relu(x, slope)


def add(a: Float32, b: Float32) -> Float32:
    """a + b, equal shapes."""
    return native().add(a, b)


def fma(a: Float32, b: Float32, c: Float32) -> Float32:
    """a * b + c rounded once, equal shapes."""
    return native().fma(a, b, c)


def scale_shift(x: Float32, scale: Float32, shift: Float32) -> Float32:
    """fma(x, scale, shift) per channel: x (C, H, W), scale (C,), shift (C,)."""
    return native().scale_shift(x, scale, shift)


def multiply_channels(x: Float32, scale: Float32) -> Float32:
    """x * scale per channel: x (C, H, W), scale (C,)."""
    return native().multiply_channels(x, scale)


def blend_rows(weights: Float32, rows: Float32) -> Float32:
    """Weighted sum of rows: weights (A,), rows (A, C) -> (C,), from +0 with fma in order of A."""
    return native().blend_rows(weights, rows)


def pixel_shuffle(x: Float32, r: int) -> Float32:
    """(C*r*r, H, W) -> (C, H*r, W*r): element (c, y*r + i, x*r + j) comes from channel c*r*r + i*r + j. r 1..64."""
    return native().pixel_shuffle(x, r)


def pixel_unshuffle(x: Float32, r: int) -> Float32:
    """The inverse of pixel_shuffle: (C, H*r, W*r) -> (C*r*r, H, W)."""
    return native().pixel_unshuffle(x, r)


def join_rows(parts: Sequence[Float32]) -> Float32:
    """Arrays (C, H, W) of equal C and W, one under another: (C, sum of H, W). They may be slices of larger arrays."""
    return native().join_rows(parts)


def round_pixels(x: Float32) -> npt.NDArray[np.uint8]:
    """Pixels (H, W, C) of planes (C, H, W): clamped to 0..1, times 255, rounded half to even."""
    return native().round_pixels(x)


def lapped_filter(x: Float32, p: Float32) -> Float32:
    """Filter across block borders (time-domain lapped transform; Tran, Liang, Tu, IEEE Trans. Signal Processing 51(6)).

    Around every inner border between 16-blocks of x (C, H, W), H and W multiples of 16, the 8 + 8 samples become
    out_i = sum over j of p[i][j] * in_j, from +0 with fma in order of j, then + 0.0; vertically (borders between rows)
    first, then horizontally on that result. p (16, 16).
    """
    return native().lapped_filter(x, p)
