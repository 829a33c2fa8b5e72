"""From tiles of latents to pixels: the whole grid is read from its tiles, and a rectangle of the picture made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from hpcmcodec.codec.parallel import for_tiles
from hpcmcodec.codec.pixels import Pixels
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.codec.transforms import Transform, picture_rows
from hpcmcodec.nn.lazy import Span


class Region(NamedTuple):
    """A rectangle of a picture in pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int


class LatentReader:
    """The latents of a picture as rows of the whole grid. Tiles are made by `make` when their first row is read, those
    of one row of tiles `workers` at a time, and forgotten after their last."""

    def __init__(self, grid: TileGrid, channels: int, make: Callable[[Tile], np.ndarray], workers: int) -> None:
        self._grid, self._channels, self._make, self._workers = grid, channels, make, workers
        self._tiles: dict[int, tuple[Tile, np.ndarray]] = {}

    def read(self, rows: Span, columns: Span) -> np.ndarray:
        """(1, M, rows, columns) of the latent grid. Calls must go from top to bottom."""
        out = np.empty((1, self._channels, rows.stop - rows.start, columns.stop - columns.start), "f4")
        for row in range(*self._grid.touched(rows)):
            tiles = list(self._grid.row_of(row, self._grid.touched(columns)))
            missing = [tile for tile in tiles if tile.index not in self._tiles]
            made = for_tiles(self._make, missing, self._workers)
            self._tiles.update((tile.index, (tile, y)) for tile, y in zip(missing, made, strict=True))
            for tile in tiles:
                _paste(out, rows, columns, tile, self._tiles[tile.index][1])
        side = self._grid.latent_side
        self._tiles = {i: kept for i, kept in self._tiles.items() if kept[0].top + side > rows.stop}
        return out


def pieces(
    transform: Transform, reader: Callable[[], LatentReader], part: Region, channels: int
) -> Iterator[tuple[Span, Span, Pixels]]:
    """A rectangle of the picture in pieces: their rows, columns and pixels. `reader` gives one that is at the top."""
    rows = Span(part.y, part.y + part.height)
    count = transform.columns_at_once(part.width)
    for left in range(part.x, part.x + part.width, count):
        columns = Span(left, min(left + count, part.x + part.width))
        for strip, piece in picture_rows(transform, reader().read, rows, columns, channels):
            yield strip, columns, piece


def _paste(out: np.ndarray, rows: Span, columns: Span, tile: Tile, y: np.ndarray) -> None:
    """Copies what a tile's latents share with a rectangle of the whole grid."""
    high = Span(tile.top, tile.top + y.shape[2])
    wide = Span(tile.left, tile.left + y.shape[3])
    (top, bottom), (left, right) = _common(rows, high), _common(columns, wide)
    out[:, :, top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = y[
        :, :, top - high.start : bottom - high.start, left - wide.start : right - wide.start
    ]


def _common(one: Span, other: Span) -> Span:
    return Span(max(one.start, other.start), min(one.stop, other.stop))
