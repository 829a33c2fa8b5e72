"""How much memory coding a picture takes, known before any is taken; and how to divide what there may be.

The transforms run in strips of a chosen size, and as many tiles at a time as there is room for. What cannot be made
smaller (the pixels, the network, one tile) is refused early if it does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpcmcodec import kernels
from hpcmcodec.codec.machine import FILE_BYTES, PROCESS_BYTES, machine_memory, readable
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import MOST_TILES
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.errors import LimitExceededError

STRIP_BYTES = 2**27
"""Memory that the arrays of one strip may take."""
LEAST_ROWS = 64
"""What a strip has at least, in pixels."""


@dataclass(frozen=True)
class Budget:
    """How to encode one picture: `step` rows of latents in a strip, `workers` tiles at a time; `total` bytes in all."""

    step: int
    workers: int
    total: int


def budget(
    model: CodecModel, grid: TileGrid, pixels: int, limit: int | None, kept: int = 0, sample_bytes: int = 1
) -> Budget:
    """The fastest way that fits into `limit` bytes (None: all of the machine's memory).

    `pixels`: of the picture. `kept`: bytes that are needed besides. `sample_bytes`: 1, or 2 for samples of more than 8
    bits. Raises LimitExceededError if nothing fits.
    """
    file_bytes, picture_bytes = FILE_BYTES * sample_bytes * pixels, 3 * sample_bytes * pixels
    most = machine_memory() if limit is None else limit
    fixed = PROCESS_BYTES + kept + sum(array.nbytes for array in model.file.tensors.values())
    if fixed + file_bytes > most:  # before anything is planned: a plan has bounds of its own
        raise _too_large(grid, fixed + file_bytes, most)
    height, width = grid.latent
    unit = max(1, LEAST_ROWS // model.stride)

    def strips(memory: float) -> tuple[int, float]:
        return model.program.step_within("analysis", grid.latent, (0, height), (0, width), memory, unit)

    smallest = strips(0)[1]
    tile, band = _tile_bytes(model, grid), _band_bytes(model, grid)
    least = fixed + max(file_bytes, picture_bytes + band + smallest + tile)
    spare = most - (fixed + picture_bytes + band)
    step, strip = strips(min(STRIP_BYTES, max(smallest, (spare - tile) // 2)))
    workers = int(max(1, min(kernels.get_threads(), MOST_TILES, grid.columns, (spare - strip) // tile)))
    total = int(max(least, fixed + picture_bytes + band + strip + workers * tile))
    if total > most:
        raise _too_large(grid, total, most)
    return Budget(min(step, height), workers, total)


def _too_large(grid: TileGrid, total: int, most: int) -> LimitExceededError:
    return LimitExceededError(
        f"a picture of {grid.width} x {grid.height} pixels takes about {readable(total)} of memory, more than"
        f" the limit of {readable(most)}; see --max-memory"
    )


def _tile_bytes(model: CodecModel, grid: TileGrid) -> float:
    """What the entropy model needs for the largest tile."""
    width, height = grid.largest
    return model.tiles.bytes(height, width)


def _band_bytes(model: CodecModel, grid: TileGrid) -> int:
    """The latents of a row of tiles, and those that wait."""
    return 2 * 4 * model.latent_channels * min(grid.latent_side, grid.latent[0]) * grid.latent[1]
