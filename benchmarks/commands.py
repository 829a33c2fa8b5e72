"""Whole-process time and peak memory of `hpcm encode` and `hpcm decode` on one picture.

    python benchmarks/commands.py PICTURE [--runs 7] [--threads 2] [--quality 50] [-o FILE]

Times are from start to exit of the command, interpreter and model load included; medians. Decoding writes PPM, so that
the PNG writer is not measured. Modules are compiled before, as those of an installed package are.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import record
import turns
from installed import hpcm


def run(arguments: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory in MB of one `hpcm`."""
    return turns.measure(hpcm(*arguments))


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """The same of one Python process. -P: see `installed.hpcm`."""
    return turns.measure([sys.executable, "-P", *arguments])


def row(name: str, results: list[tuple[float, float, float]]) -> list[str]:
    """A row of medians, and the least and greatest seconds."""
    wall, cpu, memory = (statistics.median(column) for column in zip(*results, strict=True))
    low, high = min(r[0] for r in results), max(r[0] for r in results)
    return [name, f"{wall:.2f} ({low:.2f} to {high:.2f})", f"{cpu:.2f}", f"{memory:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    threads = ["--threads", str(arguments.threads), "--force"]
    with tempfile.TemporaryDirectory() as folder:
        hpc, ppm = str(Path(folder, "a.hpc")), str(Path(folder, "a.ppm"))
        encode = ["encode", str(arguments.picture), "-o", hpc, "-q", str(arguments.quality), *threads]
        decode = ["decode", hpc, "-o", ppm, *threads]
        for command in (encode, decode):
            run(command)
        results = [(run(encode), run(decode)) for _ in range(arguments.runs)]
    names = ("`hpcm encode`", "`hpcm decode`")
    rows = [row(name, list(found)) for name, found in zip(names, zip(*results, strict=True), strict=True)]
    found = record.table(["command", "seconds", "CPU s", "MB"], rows)
    note = f"{arguments.picture.stem}, {arguments.threads} threads, medians of {arguments.runs}"
    record.report(results, {"commands": found}, arguments.output, note)


if __name__ == "__main__":
    main()
