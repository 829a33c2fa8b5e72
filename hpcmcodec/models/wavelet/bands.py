"""The four Haar bands of a latent: which of their coefficients exist, and how to get from one to the other.

A latent of odd height has its last row repeated before the transform, so the last rows of LH and HH are exactly 0, and
the last columns of HL and HH where the width is odd. These coefficients are never coded: there are as many
others as the latent has elements.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.module import Array
from hpcmcodec.nn.sizes import AnySize, ceil_div, floor_half

BANDS = ("LL", "LH", "HL", "HH")
"""LH is the difference of rows, HL that of columns."""
LOW, HIGH = (0,), (1, 2, 3)
"""Numbers of the bands that are coded together."""


def halved(size: AnySize) -> AnySize:
    """Side of a band."""
    return ceil_div(size, 2)


def defined(band: int, rows: AnySize, columns: AnySize) -> tuple[AnySize, AnySize]:
    """Rows and columns of a band of a latent of rows x columns that are coded: those from the top left."""
    return (
        floor_half(rows) if band in (1, 3) else halved(rows),
        floor_half(columns) if band in (2, 3) else halved(columns),
    )


def split(y: Array) -> list[Array]:
    """Latent (N, M, H, W) -> its four bands (N, M, ceil(H/2), ceil(W/2))."""
    stacked = ops.haar(y)
    m = y.shape[1]
    return [stacked[:, band * m : (band + 1) * m] for band in range(len(BANDS))]


def low_and_high(x: Array) -> tuple[Array, Array]:
    """Map (N, C, H, W) -> its low band (N, C, h, w) and its three high bands (N, 3C, h, w)."""
    stacked, channels = ops.haar(x), x.shape[1]
    return stacked[:, :channels], stacked[:, channels:]


def join(bands: Sequence[Array], rows: AnySize, columns: AnySize) -> Array:
    """Inverse of `split` for a latent of rows x columns. Any stacks of channels that follow one another will do."""
    return crop(ops.inverse_haar(ops.concat(bands)), rows, columns)


def crop(x: Array, rows: AnySize, columns: AnySize) -> Array:
    """The top left rows x columns of a map."""
    return x if tuple(x.shape[2:]) == (rows, columns) else ops.crop(x, rows, columns)
