"""The RWKV context cell against window attention at equal width, on the finest grid of pictures of 0.4 to 12 MP.

    python benchmarks/context_cells.py [--threads 2] [--rounds 3] [--megapixels 0.4 2 12]

One call each, native kernels, 640 channels as in the base network, weights as training starts with them, grids as
wholes (large pictures are coded in tiles). They run by turns, medians are compared. `memory` is what a call needs at
its most beyond its inputs, in a process of its own; kMAC/px counts convolutions and matrix products, not the scan.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from hpcmcodec import kernels
from hpcmcodec.bench.memory import PeakMemory
from hpcmcodec.models.attention import CrossAttentionCell
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.models.rwkv.parts import ContextCell
from hpcmcodec.nn import operations as ops

WIDTH = 640
GRIDS = {0.4: (32, 48), 2.0: (72, 104), 12.0: (184, 256)}
"""Megapixels: rows and columns of the latent, a position for 16 x 16 pixels."""
CELLS = ("window attention", "RWKV rate 1", "RWKV rate 2", "RWKV rate 4", "RWKV rate 4 cross")


def cell(name: str) -> Any:
    """One of CELLS, without weights."""
    if name == "window attention":
        return CrossAttentionCell(WIDTH, 8, 32)
    _, _, rate, *scan = name.split()
    return ContextCell(WIDTH, int(rate), 16, RwkvConfig(scan="cross" if scan else "window", merged=True))


def loaded(name: str) -> Any:
    module = cell(name)
    module.load(module.initial(1))
    return module


def inputs(grid: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal((1, WIDTH, *grid), np.float32) for _ in range(2)]


def operations(grid: tuple[int, int]) -> dict[str, Callable[[], object]]:
    """The token mixing alone: attention in windows of 8 x 8, the scan in windows of 16 x 16."""
    k, v = inputs(grid)
    decay, boost = np.full(WIDTH, 0.1, np.float32), np.zeros(WIDTH, np.float32)
    return {
        "attention alone": partial(ops.window_attention, k, k, v, 8, 32),
        "scan alone": partial(ops.wkv, k, v, decay, boost, 16, 16),
    }


def kmac_per_pixel(name: str, grid: tuple[int, int]) -> float:
    """Of one call."""
    module = cell(name)
    module.load({key: torch.empty(spec.shape, device="meta") for key, spec in module.specs().items()})
    x = torch.empty(1, WIDTH, *grid, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(x, x)
    return counter.get_total_flops() / 2 / (256 * grid[0] * grid[1]) / 1000


def peak(name: str, grid: tuple[int, int], threads: int) -> float:
    """Megabytes of a call."""
    kernels.set_threads(threads)
    module, arrays = loaded(name), inputs(grid)
    page = 4096
    before = int(Path("/proc/self/statm").read_text().split()[1]) * page
    with PeakMemory() as memory:
        module(*arrays)
    return ((memory.peak or 0) - before) / 1e6


def medians(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each, called by turns."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megapixels", type=float, nargs="+", choices=list(GRIDS), default=list(GRIDS))
    options = parser.parse_args()
    kernels.set_threads(options.threads)
    print(f"{options.threads} threads, {kernels.simd_level()}, {WIDTH} channels")
    modules = {name: loaded(name) for name in CELLS}
    for megapixels in options.megapixels:
        grid = GRIDS[megapixels]
        functions: dict[str, Callable[[], object]] = {name: partial(modules[name], *inputs(grid)) for name in CELLS}
        functions |= operations(grid)
        times = medians(functions, options.rounds)
        print(f"{megapixels} megapixels: {grid[0]} x {grid[1]} positions", flush=True)
        for name, taken in times.items():
            line = f"  {name:18s} {taken * 1e3:9.1f} ms {taken / times['window attention']:6.2f}"
            if name in CELLS:
                context = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(1, context) as pool:
                    memory = pool.submit(peak, name, grid, options.threads).result()
                line += f" {memory:8.1f} MB {kmac_per_pixel(name, grid):7.2f} kMAC/px"
            print(line, flush=True)


if __name__ == "__main__":
    main()
