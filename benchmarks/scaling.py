"""Time and memory of whole `hpcm encode` and `hpcm decode` processes from 0.1 to 50 megapixels.

    python benchmarks/scaling.py PICTURE [--megapixels 0.1,0.4,1.6,6.4,25,50] [--threads 2] [--quality 50] [--runs 1]
                                         [-o FILE]

The picture is repeated, mirrored at its borders, and cut to each size. Files are PPM on both sides, so that no other
compressor is measured; start-up and model load are in. A second table tells how cost grows: the exponent of a power law
through seconds of CPU and memory less their values at the smallest size (1: linear).
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import record
from commands import run
from PIL import Image


def resized(picture: np.ndarray, megapixels: float) -> np.ndarray:
    """The picture mirrored at its borders until it has so many pixels, or its top left part."""
    factor = math.sqrt(megapixels * 1e6 / (picture.shape[0] * picture.shape[1]))
    rows, columns = (max(1, round(side * factor)) for side in picture.shape[:2])
    more = [(0, max(0, wanted - has)) for wanted, has in zip((rows, columns), picture.shape, strict=False)]
    return np.pad(picture, (*more, (0, 0)), "symmetric")[:rows, :columns]


def exponent(sizes: list[float], costs: list[float]) -> float:
    """Slope of log cost over log size, both less their first values, over sizes of 1 megapixel and more."""
    points = [(s - sizes[0], c - costs[0]) for s, c in zip(sizes, costs, strict=True) if s >= 1 and c > costs[0]]
    logs = np.log(np.array(points))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0]) if len(points) > 1 else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--megapixels", default="0.1,0.4,1.6,6.4,25,50")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    sizes = [float(value) for value in arguments.megapixels.split(",")]
    original = np.asarray(Image.open(arguments.picture).convert("RGB"))
    common = ["--threads", str(arguments.threads), "--force"]
    columns = ["megapixels", "bytes", "encode s", "CPU s", "MB", "decode s", "CPU s", "MB"]
    rows = []
    costs: dict[str, list[float]] = {"encode": [], "decode": [], "encode MB": [], "decode MB": []}
    with tempfile.TemporaryDirectory() as name:
        source, hpc, back = (str(Path(name, file)) for file in ("a.ppm", "a.hpc", "b.ppm"))
        for size in sizes:
            Image.fromarray(resized(original, size)).save(source)
            commands = {
                "encode": ["encode", source, "-o", hpc, "-q", str(arguments.quality), *common],
                "decode": ["decode", hpc, "-o", back, *common],
            }
            row = [f"{size:g}"]
            for side, command in commands.items():
                found = [run(command) for _ in range(arguments.runs)]
                wall, cpu, memory = (statistics.median(column) for column in zip(*found, strict=True))
                costs[side].append(cpu)
                costs[f"{side} MB"].append(memory)
                row += [f"{wall:.2f}", f"{cpu:.1f}", f"{memory:.0f}"]
            row.insert(1, str(Path(hpc).stat().st_size))
            print(*row, file=sys.stderr, flush=True)
            rows.append(row)
    exponents = {what: f"{exponent(sizes, values):.2f}" for what, values in costs.items()}
    tables = {"sizes": record.table(columns, rows), "exponents": record.table([*exponents], [[*exponents.values()]])}
    record.report({"sizes": sizes, **costs}, tables, arguments.output, f"{arguments.picture.stem}, mirrored")


if __name__ == "__main__":
    main()
