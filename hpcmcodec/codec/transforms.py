"""The transforms of a whole picture in strips of bounded memory, with the bits of the whole at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hpcmcodec.codec.model import CodecModel, Condition, vectors
from hpcmcodec.codec.pixels import Pixels, from_network, to_network
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.progress import at

Take = Callable[[list[Tile], list[np.ndarray]], None]
"""Takes a row of tiles and their latents (M, rows, columns)."""


def analyse(model: CodecModel, condition: Condition, grid: TileGrid, pixels: Pixels, step: int, take: Take) -> None:
    """The analysis transform of a picture, `step` rows of latents at a time, handed on in rows of tiles."""
    height, width = grid.latent
    parts: list[np.ndarray] = []
    row = 0

    def read(rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        (top, bottom), (left, right) = rows, columns
        own = pixels[
            min(top, grid.height - 1) : min(bottom, grid.height), min(left, grid.width - 1) : min(right, grid.width)
        ]
        return to_network(own, bottom - top, right - left)[0]

    def write(rows: tuple[int, int], columns: tuple[int, int], piece: np.ndarray) -> None:
        nonlocal parts, row
        parts.append(piece.copy())
        at(rows[1] / height)
        while row < grid.rows and rows[1] >= (end := min((row + 1) * grid.latent_side, height)):
            band = np.concatenate(parts, 1) if len(parts) > 1 else parts[0]
            cut = band.shape[1] - (rows[1] - end)
            parts = [band[:, cut:]] if cut < band.shape[1] else []
            tiles = list(grid.row_of(row))
            side = grid.latent_side
            row += 1
            take(tiles, [np.ascontiguousarray(band[:, :cut, tile.left : tile.left + side]) for tile in tiles])

    inputs = vectors(model, "analysis", condition)
    model.program.rows("analysis", inputs, grid.latent, read, write, (0, height), (0, width), step)


def synthesise(
    model: CodecModel,
    condition: Condition,
    grid: TileGrid,
    latents: dict[int, np.ndarray],
    channels: int,
    step: int,
    take: Callable[[int, Pixels], None],
) -> None:
    """The picture of decoded latents (M, rows, columns) of all tiles, by their numbers: take(first row, pixels)."""

    def read(rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        (top, bottom), (left, right) = rows, columns
        out = np.empty((model.latent_channels, bottom - top, right - left), np.float32)
        for row in range(top // grid.latent_side, -(-bottom // grid.latent_side)):
            for tile in grid.row_of(row):
                _paste(out, top, left, tile, latents[tile.index])
        return out

    def write(rows: tuple[int, int], columns: tuple[int, int], piece: np.ndarray) -> None:
        take(rows[0], from_network(piece[None], channels))

    inputs = vectors(model, "picture", condition)
    whole = (0, grid.height), (0, grid.width)
    model.program.rows("picture", inputs, grid.latent, read, write, *whole, step)


def _paste(out: np.ndarray, top: int, left: int, tile: Tile, y: np.ndarray) -> None:
    """Copies what a tile's latents share with a rectangle of the whole grid that begins at (top, left)."""
    rows, columns = y.shape[1:]
    first, last = max(top, tile.top), min(top + out.shape[1], tile.top + rows)
    begin, end = max(left, tile.left), min(left + out.shape[2], tile.left + columns)
    if first < last and begin < end:
        own = y[:, first - tile.top : last - tile.top, begin - tile.left : end - tile.left]
        out[:, first - top : last - top, begin - left : end - left] = own
