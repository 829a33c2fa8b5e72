"""How much memory coding a picture takes, known before any is taken; and how to divide what there may be.

The transforms run in strips of a chosen size, and as many tiles at a time as there is room for. What cannot be made
smaller (the pixels, the network, one tile) is refused early if it does not fit.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.parallel import MOST_TILES
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.codec.transforms import STRIP_BYTES, Transform
from hpcmcodec.errors import LimitExceededError

PROCESS_BYTES = 112 * 2**20
"""Interpreter, numpy, a model file's bytes, and the results that the kernels keep (docs/DECISIONS.md, entry 10)."""
FILE_BYTES = 13
"""Per pixel, while a picture is read or written: Pillow's (4), ours (3), the copy that is handed over (3), and the
whole file where it comes through a pipe and is not compressed (3); tests/codec/test_memory.py measures it."""
WHOLE_BYTES = 1000
"""Per pixel, of transforms that cannot run in strips."""
LEAST_STRIP_BYTES = 2**24
_LITE_BYTES, _HPCM_BYTES = 96, 400
"""Per latent of a tile while it is coded, measured at the worst moment (benchmarks/big_pictures.py)."""


@dataclass(frozen=True)
class Budget:
    """How to code one picture: `strip` bytes for a strip's arrays, `workers` tiles at a time; `total` bytes in all."""

    strip: int
    workers: int
    total: int


def budget(network: Any, grid: TileGrid, transform: Transform, pixels: int, limit: int | None, kept: int = 0) -> Budget:
    """The fastest way that fits into `limit` bytes (None: all of the machine's memory).

    `pixels`: of the picture or of the part of it that is decoded. `kept`: bytes that are needed besides.
    Raises LimitExceededError if nothing fits.
    """
    most = machine_memory() if limit is None else limit
    fixed = PROCESS_BYTES + kept + sum(array.nbytes for array in network.arrays().values())
    tile, band = _tile_bytes(network, grid), _band_bytes(network, grid, transform)
    if not transform.in_strips:
        need = fixed + WHOLE_BYTES * grid.padded[0] * grid.padded[1] + tile
        return _checked(grid, Budget(STRIP_BYTES, 1, need), most)
    whole = min(STRIP_BYTES, transform.bytes_at_once())
    smallest = min(LEAST_STRIP_BYTES, whole)
    least = fixed + max(FILE_BYTES * pixels, 3 * pixels + band + smallest + tile)
    spare = most - (fixed + 3 * pixels + band)
    strip = min(whole, max(smallest, (spare - tile) // 2))
    workers = max(1, min(kernels.get_threads(), MOST_TILES, grid.columns, (spare - strip) // tile))
    return _checked(grid, Budget(strip, workers, max(least, fixed + 3 * pixels + band + strip + workers * tile)), most)


def _checked(grid: TileGrid, made: Budget, most: int) -> Budget:
    if made.total > most:
        raise LimitExceededError(
            f"a picture of {grid.width} x {grid.height} pixels takes about {readable(made.total)} of memory, more than"
            f" the limit of {readable(most)}; see --max-memory"
        )
    return made


def _tile_bytes(network: Any, grid: TileGrid) -> int:
    """What the entropy model needs for the largest tile."""
    rows, columns = (min(grid.latent_side, side) for side in grid.latent)
    each = _LITE_BYTES if network.config.family == "lite" else _HPCM_BYTES
    return int(each * network.latent_channels * rows * columns)


def _band_bytes(network: Any, grid: TileGrid, transform: Transform) -> int:
    """The latents of a row of tiles, as wide as a strip, and those that wait before or after it."""
    rows = min(grid.latent_side, grid.latent[0])
    columns = min(grid.latent[1], transform.share_at_once() * grid.latent[1] + grid.latent_side)
    return int(2 * 4 * network.latent_channels * rows * columns)


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
