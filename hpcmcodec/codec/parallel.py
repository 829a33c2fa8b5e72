"""Work on several tiles at a time. Results do not depend on how many threads there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

import numpy as np

from hpcmcodec import kernels

T = TypeVar("T")
R = TypeVar("R")
MOST_TILES = 8
"""Tiles worked on at a time: each takes memory, and kernels share their work among all threads anyway."""


def normative() -> ExitStack:
    """The floating-point state that everything around the kernels needs in this thread, without numpy's warnings."""
    with ExitStack() as stack:
        stack.enter_context(kernels.fp_environment())
        stack.enter_context(np.errstate(all="ignore"))
        return stack.pop_all()


def for_tiles(work: Callable[[T], R], tiles: Sequence[T], workers: int) -> list[R]:
    """`work` on every tile, `workers` at a time, in the normative state; results in order. The first exception is
    raised, after the rest."""

    def one(tile: T) -> R:
        with normative():
            return work(tile)

    count = min(len(tiles), workers)
    if count <= 1:
        return [one(tile) for tile in tiles]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count, thread_name_prefix="hpcm-tile") as pool:
        return list(pool.map(one, tiles))
