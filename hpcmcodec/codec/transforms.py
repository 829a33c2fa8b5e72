"""The transforms over a whole picture, in strips of bounded memory and with the bits of the whole at once.

A network whose transform is not local (`nn.lazy.NotLocalError`) runs on the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np

from hpcmcodec.codec.pixels import Pixels, from_network, to_network
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.errors import CorruptError
from hpcmcodec.nn.lazy import NotLocalError, Span, source
from hpcmcodec.nn.strips import Plan, Read

STRIP_BYTES = 2**27
"""Memory that the arrays of one strip may take."""
LEAST_ROWS, LEAST_COLUMNS = 64, 256
"""What a strip has at least, in pixels."""


class Transform:
    """One transform of one picture: `call` on the array (1, channels, height, width) of the whole.

    pixel: pixels along a result's side. Strips take `STRIP_BYTES`, see `within`.
    """

    def __init__(self, call: Callable[[Any], Any], channels: int, size: tuple[int, int], pixel: int) -> None:
        self._call, self._size = call, size
        self._unit, self._least = LEAST_ROWS // pixel, LEAST_COLUMNS // pixel
        self._memory = STRIP_BYTES
        try:
            self._plan: Plan | None = Plan(call(source(channels, *size)))
        except NotLocalError:
            self._plan = None

    def within(self, memory: int) -> Transform:
        """The same with strips whose arrays take `memory` bytes."""
        other = copy(self)
        other._memory = memory
        return other

    @property
    def in_strips(self) -> bool:
        """Whether the network can run piece by piece."""
        return self._plan is not None

    def columns_at_once(self, columns: int) -> int:
        """How many of the result's columns a strip may have for the memory to suffice, at most `columns`."""
        if self._plan is None:
            return columns
        each = self._plan.bytes_per_row(columns) * self._unit / columns
        return min(columns, max(self._least, int(self._memory / each)))

    def bytes_at_once(self) -> int:
        """Memory of everything in one strip."""
        assert self._plan is not None
        return int(self._plan.bytes_per_row() * self._plan.result.shape[2])

    def share_at_once(self) -> float:
        """The part of the result's columns that a strip may have."""
        if self._plan is None:
            return 1.0
        width = self._plan.result.shape[3]
        return self.columns_at_once(width) / width

    def run(self, read: Read, rows: Span, columns: Span) -> Iterator[tuple[Span, np.ndarray]]:
        """The rectangle in strips from the top: (rows, array). The source's rows are read once, in order."""
        if self._plan is None:
            whole = self._call(read(Span(0, self._size[0]), Span(0, self._size[1])))
            yield rows, whole[:, :, rows.start : rows.stop, columns.start : columns.stop]
            return
        afford = self._memory / self._plan.bytes_per_row(columns.stop - columns.start)
        yield from self._plan.run(read, rows, columns, max(1, int(afford) // self._unit) * self._unit)


def analysis(network: Any, cond: Any, grid: TileGrid) -> Transform:
    """The analysis transform of a padded picture."""
    return Transform(lambda x: network.analyse(x, cond), 3, grid.padded, grid.stride)


def synthesis(network: Any, cond: Any, grid: TileGrid) -> Transform:
    """The synthesis transform of a picture's latent grid."""
    return Transform(lambda y: network.synthesise(y, cond), network.latent_channels, grid.latent, 1)


def sketch(network: Any, cond: Any, grid: TileGrid) -> Transform:
    """Like `synthesis`, for a picture that is made small."""
    return Transform(lambda y: network.sketch(y, cond), network.latent_channels, grid.latent, 1)


def pixel_reader(pixels: Pixels) -> Read:
    """Reads uint8 pixels as the network's input, edges repeated where the padding is."""
    height, width = pixels.shape[:2]

    def read(rows: Span, columns: Span) -> np.ndarray:
        (top, bottom), (left, right) = rows, columns
        own = pixels[min(top, height - 1) : min(bottom, height), min(left, width - 1) : min(right, width)]
        return to_network(own, bottom - top, right - left)

    return read


def picture_rows(
    transform: Transform, read: Read, rows: Span, columns: Span, channels: int
) -> Iterator[tuple[Span, Pixels]]:
    """A rectangle of the decoded picture in strips of uint8 pixels, padding included where the rectangle has any."""
    for strip, x_hat in transform.run(read, rows, columns):
        yield strip, from_network(finite(x_hat), channels)


def finite(array: np.ndarray) -> np.ndarray:
    """The same array. What follows from a number that is none would depend on the processor; no encoder makes one."""
    if not np.isfinite(array).all():
        raise CorruptError("the latent streams are damaged (values beyond all bounds)")
    return array
