"""The four Haar bands of a latent: which of their coefficients exist, and how to get from one to the other.

A latent of odd height has its last row repeated before the transform, so the last rows of LH and HH are exactly 0, and
the last columns of HL and HH where the width is odd. These coefficients are never coded: there are as many
others as the latent has elements.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcmcodec.nn import ops
from hpcmcodec.nn.module import Array

BANDS = ("LL", "LH", "HL", "HH")
"""LH is the difference of rows, HL that of columns."""
LOW, HIGH = (0,), (1, 2, 3)
"""Numbers of the bands that are coded together."""


def halved(size: int) -> int:
    """Side of a band."""
    return -(-size // 2)


def defined(band: int, rows: int, columns: int) -> tuple[int, int]:
    """Rows and columns of a band of a latent of rows x columns that are coded: those from the top left."""
    return (rows // 2 if band in (1, 3) else halved(rows)), (columns // 2 if band in (2, 3) else halved(columns))


def mask(band: int, rows: int, columns: int, grid: tuple[int, int]) -> np.ndarray:
    """Which positions of a band's grid are coded, bool."""
    inside = np.zeros(grid, bool)
    own_rows, own_columns = defined(band, rows, columns)
    inside[:own_rows, :own_columns] = True
    return inside


def split(y: Array) -> list[Array]:
    """Latent (N, M, H, W) -> its four bands (N, M, ceil(H/2), ceil(W/2))."""
    stacked = ops.haar(y)
    m = y.shape[1]
    return [stacked[:, band * m : (band + 1) * m] for band in range(len(BANDS))]


def low_and_high(x: Array) -> tuple[Array, Array]:
    """Map (N, C, H, W) -> its low band (N, C, h, w) and its three high bands (N, 3C, h, w)."""
    stacked, channels = ops.haar(x), x.shape[1]
    return stacked[:, :channels], stacked[:, channels:]


def join(bands: Sequence[Array], rows: int, columns: int) -> Array:
    """Inverse of `split` for a latent of rows x columns. Any stacks of channels that follow one another will do."""
    return crop(ops.inverse_haar(ops.concat(bands)), rows, columns)


def crop(x: Array, rows: int, columns: int) -> Array:
    """The top left rows x columns of a map."""
    return x if tuple(x.shape[2:]) == (rows, columns) else x[:, :, :rows, :columns]
