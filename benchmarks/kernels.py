"""Speed of the kernels as a ratio to torch in the same run: above 1 is faster than torch.

    python benchmarks/kernels.py [--threads 2] [--seconds 1.0] [--filter PATTERN]

Both sides run by turns and the medians are compared, so that other load on the machine weighs on both. On one thread
the times are that thread's own seconds of CPU, which leave out what others took meanwhile. `limit` is the ratio of a
kernel that multiplied and added without a pause (kernels.multiply_add_rate, measured after each case).
Aims: at least 0.9 for 1x1 convolutions against torch's conv2d; for fused residual blocks at least 1.5 against torch's
operations one by one, where the limit allows it.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as functional

from hpcmcodec import kernels

Case = tuple[str, float, Callable[[], object], Callable[[], object]]  # name, multiply-adds, ours, torch's


def _arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def conv1x1(inputs: int, outputs: int, height: int, width: int) -> Case:
    x, w, b = _arrays((inputs, height, width), (outputs, inputs), (outputs,))
    tx, tw, tb = torch.from_numpy(x)[None], torch.from_numpy(w)[:, :, None, None], torch.from_numpy(b)
    return (
        f"conv1x1 {inputs}->{outputs} on {height}x{width}",
        inputs * outputs * height * width,
        lambda: kernels.conv1x1(x, w, b),
        lambda: functional.conv2d(tx, tw, tb),
    )


def conv3x3(inputs: int, outputs: int, height: int, width: int) -> Case:
    x, w, b = _arrays((inputs, height, width), (outputs, inputs, 3, 3), (outputs,))
    tx, tw, tb = torch.from_numpy(x)[None], torch.from_numpy(w), torch.from_numpy(b)
    return (
        f"conv3x3 {inputs}->{outputs} on {height}x{width}",
        9 * inputs * outputs * height * width,
        lambda: kernels.conv2d(x, w, b, 1, 1),
        lambda: functional.conv2d(tx, tw, tb, padding=1),
    )


def residual(kind: str, n: int, expansion: int, height: int, width: int) -> Case:
    hidden, partial = n * expansion, n // 4
    spatial = (partial, partial, 3, 3) if kind == "pconv_rb" else (n, 3, 3)
    x, *weights = _arrays((n, height, width), spatial, spatial[:1], (hidden, n), (hidden,), (n, hidden), (n,))
    tx = torch.from_numpy(x)[None]
    sw, sb, ew, eb, rw, rb = (torch.from_numpy(w) for w in weights)
    ew, rw = ew[:, :, None, None], rw[:, :, None, None]

    def unfused() -> torch.Tensor:
        if kind == "pconv_rb":
            first = functional.conv2d(tx[:, :partial], sw, sb, padding=1)
            y = torch.cat((first, tx[:, partial:]), 1)
        else:
            y = functional.conv2d(tx, sw[:, None], sb, padding=1, groups=n)
        return tx + functional.conv2d(functional.leaky_relu(functional.conv2d(y, ew, eb), 0.01), rw, rb)

    operation = getattr(kernels, kind)
    return (
        f"{kind} n={n} expansion {expansion} on {height}x{width}",
        (2 * n * hidden + weights[0].size) * height * width,
        lambda: operation(x, *weights),
        unfused,
    )


def cases() -> Iterator[Callable[[], Case]]:
    for shape in [
        (192, 384, 32, 48),
        (384, 192, 32, 48),
        (256, 512, 32, 48),
        (960, 1920, 32, 48),
        (96, 192, 128, 192),
        (32, 64, 256, 384),
        (320, 512, 8, 12),
    ]:
        yield lambda shape=shape: conv1x1(*shape)  # type: ignore[misc]
    yield lambda: conv3x3(96, 96, 64, 96)
    for block in [
        ("pconv_rb", 96, 2, 128, 192),
        ("pconv_rb", 192, 2, 64, 96),
        ("pconv_rb", 320, 2, 32, 48),
        ("pconv_rb", 384, 4, 32, 48),
        ("dwconv_rb", 320, 2, 16, 24),
        ("dwconv_rb", 256, 2, 8, 12),
        ("dwconv_rb", 960, 2, 32, 48),
    ]:
        yield lambda block=block: residual(*block)  # type: ignore[misc]


def measure(functions: list[Callable[[], object]], seconds: float, clock: Callable[[], float]) -> list[float]:
    """Median seconds of each function by a clock, called by turns."""
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds
    while len(times[0]) < 5 or time.perf_counter() < end:
        for function, taken in zip(functions, times, strict=True):
            start = clock()
            function()
            taken.append(clock() - start)
    return [statistics.median(taken) for taken in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each case")
    parser.add_argument("--filter", default="", help="only cases whose name matches this regular expression")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    kernels.set_threads(options.threads)
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    print(f"{options.threads} threads, {kernels.simd_level()}, torch {torch.__version__}")
    print(f"{'case':44s} {'ms':>9s} {'torch ms':>9s} {'GMAC/s':>8s} {'ratio':>6s} {'limit':>6s} {'ratio/limit':>11s}")
    for make in cases():
        name, work, ours, theirs = make()
        if re.search(options.filter, name):
            mine, other = measure([ours, theirs], options.seconds, clock)
            best = kernels.multiply_add_rate() * options.threads
            ratio, limit = other / mine, other * best / work
            times = f"{mine * 1e3:9.3f} {other * 1e3:9.3f} {work / mine / 1e9:8.1f}"
            print(f"{name:44s} {times} {ratio:6.2f} {limit:6.2f} {ratio / limit:11.2f}")


if __name__ == "__main__":
    main()
