"""Bidirectional WKV by the length of sequences: growth with the tokens, and throughput beside the memory's.

    python benchmarks/wkv.py [--threads 2] [--channels 64] [--seconds 20] [-o FILE]

65,536 tokens in all, in sequences of 256 to 65,536: a cost linear in the tokens is the same time in every line, but
that long sequences do not stay in the caches. Nanoseconds per element (a token of a channel) of the kernels'
forward and backward pass, medians of rounds over all lines; then, one sequence at a time, of the same linear form in
torch operations (hpcmcodec.nn.wkv_reference, forward) and of the definition over all pairs of tokens in torch. GB/s
counts what a pass must move at least: forward 12 bytes an element (keys, values, results), backward 20. `share` is that
in parts of what copying a large array moves on as many threads in the same run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import record
import torch

from hpcmcodec import kernels
from hpcmcodec.nn import wkv_reference
from kernels import measure  # benchmarks/kernels.py

ALL = 65536
LENGTHS = [4**power for power in range(4, 9)]
BYTES = {"forward": 12, "backward": 20}
TITLES = ("forward", "backward", "torch", "pairs", "fwd GB/s", "share", "bwd GB/s", "share")


def quadratic(w: torch.Tensor, u: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """The definition: w, u (C,), k, v (1, T, C) -> (T, C), one channel after another."""
    index = torch.arange(k.shape[1])
    distance = (index[:, None] - index).abs().float()
    own, columns = distance == 0, []
    for c in range(k.shape[2]):
        exponents = torch.where(own, u[c], -w[c] * (distance - 1)) + k[0, :, c]
        columns.append(torch.softmax(exponents, 1) @ v[0, :, c])
    return torch.stack(columns, 1)


def copy_rate(seconds: float) -> float:
    """Bytes per second, read and written, of copying 256 MB in torch, with its number of threads."""
    source = torch.zeros(64 << 20)
    target = torch.ones_like(source)
    (taken,) = measure([lambda: target.copy_(source)], seconds, time.perf_counter)
    return 2 * source.numel() * source.element_size() / taken


def torch_times(arrays: list[np.ndarray], limits: dict[str, int]) -> dict[int, list[str]]:
    """Nanoseconds per element of a single sequence of each length: linear form and definition."""
    functions = {"torch": wkv_reference.forward, "pairs": quadratic}
    table = {}
    for length in LENGTHS:
        w, u, k, v = (torch.from_numpy(x) for x in arrays)
        k, v = k[:, :length].contiguous(), v[:, :length].contiguous()
        cells = []
        for name, limit in limits.items():
            if length > limit:
                cells.append("-")
                continue
            (taken,) = measure([partial(functions[name], w, u, k, v)], 0.0, time.perf_counter)
            cells.append(f"{taken / k.numel() * 1e9:.1f}")
        table[length] = cells
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0, help="time for the kernels, if five rounds fit into it")
    parser.add_argument("--torch-limit", type=int, default=4096, help="most tokens for the torch operations")
    parser.add_argument("--pairs-limit", type=int, default=4096, help="most tokens for the definition")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    kernels.set_threads(options.threads)
    rng, shape = np.random.default_rng(1), (1, ALL, options.channels)
    w = rng.uniform(0, 0.1, options.channels).astype(np.float32)
    u, k, v, gy = (rng.standard_normal(size).astype(np.float32) for size in (options.channels, shape, shape, shape))
    calls: list[Callable[[], object]] = []
    for length in LENGTHS:
        parts = [x.reshape(-1, length, options.channels) for x in (k, v, gy)]
        calls += [partial(kernels.wkv, w, u, *parts[:2]), partial(kernels.wkv_backward, w, u, *parts)]
    best = copy_rate(1.0)
    times = [taken / k.size for taken in measure(calls, options.seconds, time.perf_counter)]
    others = torch_times([w, u, k, v], {"torch": options.torch_limit, "pairs": options.pairs_limit})
    rows = []
    for index, length in enumerate(LENGTHS):
        own = times[2 * index : 2 * index + 2]
        rates = [size / time for size, time in zip(BYTES.values(), own, strict=True)]
        cells = [f"{time * 1e9:.2f}" for time in own] + others[length]
        cells += [cell for rate in rates for cell in (f"{rate / 1e9:.2f}", f"{rate / best:.2f}")]
        rows.append([length, *cells])
    note = f"{options.threads} threads, {options.channels} channels, torch {torch.__version__}"
    note += f"; copying moves {best / 1e9:.1f} GB/s"
    record.report(times, {"lengths": record.table(["tokens", *TITLES], rows)}, options.output, note)


if __name__ == "__main__":
    main()
