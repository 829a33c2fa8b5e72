"""Flat blocks: squares of a picture that have one value each (FORMAT.md section 5.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.formats.picture import Samples

SIDE = 16
"""Of a block in pixels; those at the right and lower edge may be smaller."""
MOST = 255
"""Values that a file can have."""


def pack(values: Samples, stream: bytes) -> bytes:
    """values: (n, C), n in 1..MOST. stream: the exact coder's, of the map of indices that `blocks` gives."""
    return bytes([len(values)]) + values.astype(f"<u{values.itemsize}").tobytes() + stream


def blocks(pixels: Samples) -> tuple[Samples, NDArray[np.uint8]] | None:
    """Values (n, C) and the map of blocks: 0 for none, else the number of the block's value, from 1. None without any.

    Blocks without an equal one beside, above or below are left out, and the rarer values of more than MOST.
    """
    height, width, channels = pixels.shape
    rows, columns = -(-height // SIDE), -(-width // SIDE)
    starts = pixels[::SIDE, ::SIDE]
    flat = np.ones((rows, columns), bool)
    for i in range(rows):
        band = pixels[i * SIDE : (i + 1) * SIDE]
        same = (band == np.repeat(starts[i], SIDE, 0)[:width]).all((0, 2))
        flat[i] = np.logical_and.reduceat(same, np.arange(0, width, SIDE))
    packed = starts[..., 0].astype(np.uint64)
    for k in range(1, channels):
        packed = packed << np.uint64(16) | starts[..., k]
    beside = np.zeros_like(flat)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        equal = flat[one] & flat[other] & (packed[one] == packed[other])
        beside[one] |= equal
        beside[other] |= equal
    found, numbers, counts = np.unique(packed[beside], return_inverse=True, return_counts=True)
    if not len(found):
        return None
    order = np.argsort(-counts, kind="stable")
    place = np.zeros(len(found), np.int64)
    place[order] = np.arange(1, len(found) + 1)
    index = np.zeros((rows, columns), np.int64)
    index[beside] = place[numbers.ravel()]
    index[index > MOST] = 0
    kept = order[:MOST]
    where = [np.argwhere(index == place[k])[0] for k in kept]
    values = np.array([starts[i, j] for i, j in where], pixels.dtype)
    return values, index.astype(np.uint8)
