"""How much memory coding a picture takes, known before any is taken; and how to divide what there may be.

The transforms run in strips of a chosen size, and as many tiles at a time as there is room for. What cannot be made
smaller (the pixels, the network, one tile) is refused early if it does not fit.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import MOST_TILES
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.errors import LimitExceededError

PROCESS_BYTES = 112 * 2**20
"""Interpreter, numpy, a model file's bytes, and the results that the kernels keep (docs/DECISIONS.md, entry 10)."""
FILE_BYTES = 13
"""Per pixel, while a picture is read or written: Pillow's (4), ours (3), the copy that is handed over (3), and the
whole file where it comes through a pipe and is not compressed (3); tests/codec/test_memory.py measures it."""
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


def budget(model: CodecModel, grid: TileGrid, pixels: int, limit: int | None, kept: int = 0) -> Budget:
    """The fastest way that fits into `limit` bytes (None: all of the machine's memory).

    `pixels`: of the picture. `kept`: bytes that are needed besides. Raises LimitExceededError if nothing fits.
    """
    most = machine_memory() if limit is None else limit
    fixed = PROCESS_BYTES + kept + sum(array.nbytes for array in model.file.tensors.values())
    if fixed + FILE_BYTES * pixels > most:  # before anything is planned: a plan has bounds of its own
        raise _too_large(grid, fixed + FILE_BYTES * pixels, most)
    height, width = grid.latent
    unit = max(1, LEAST_ROWS // model.stride)

    def strips(memory: float) -> tuple[int, float]:
        return model.program.step_within("analysis", grid.latent, (0, height), (0, width), memory, unit)

    smallest = strips(0)[1]
    tile, band = _tile_bytes(model, grid), _band_bytes(model, grid)
    least = fixed + max(FILE_BYTES * pixels, 3 * pixels + band + smallest + tile)
    spare = most - (fixed + 3 * pixels + band)
    step, strip = strips(min(STRIP_BYTES, max(smallest, (spare - tile) // 2)))
    workers = int(max(1, min(kernels.get_threads(), MOST_TILES, grid.columns, (spare - strip) // tile)))
    total = int(max(least, fixed + 3 * pixels + band + strip + workers * tile))
    if total > most:
        raise _too_large(grid, total, most)
    return Budget(min(step, height), workers, total)


def _too_large(grid: TileGrid, total: int, most: int) -> LimitExceededError:
    return LimitExceededError(
        f"a picture of {grid.width} x {grid.height} pixels takes about {readable(total)} of memory, more than"
        f" the limit of {readable(most)}; see --max-memory"
    )


def _tile_bytes(model: CodecModel, grid: TileGrid) -> float:
    """What the entropy model needs for the largest tile, with the quantiser's arrays."""
    rows, columns = (min(grid.latent_side, side) for side in grid.latent)
    return model.program.needs("latents", (rows, columns), layout=True)[0] + 40 * model.latent_channels * rows * columns


def _band_bytes(model: CodecModel, grid: TileGrid) -> int:
    """The latents of a row of tiles, and those that wait."""
    return 2 * 4 * model.latent_channels * min(grid.latent_side, grid.latent[0]) * grid.latent[1]


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the control group that the process is confined to."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return int(np.iinfo(np.int64).max)
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(name).read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return total


def _windows_memory() -> int:
    import ctypes

    status = (ctypes.c_uint64 * 8)(64)  # MEMORYSTATUSEX: its size and the load, 32 bits each, then numbers of bytes
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status[1])


def readable(size: int) -> str:
    """A number of bytes as people write it: 640 MB, 2.1 GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
