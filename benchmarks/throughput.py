"""Pixels that training sees a second of one core: releases in turns, as ratios to the first one's.

    python benchmarks/throughput.py --data PICTURES [--batch-size 4] [--steps 24] [--runs 3] [-o FILE] NAME=COMMAND...

    python benchmarks/throughput.py --data photos/ old=old/bin/hpcm new=new/bin/hpcm

Each is `COMMAND train` from lite-8 under its trellis, on one thread, for 4 steps and for so many more; what the longer
call takes more of the processor, divided by its steps, is a step. Time of the processor, so that other work on the
machine changes little. A ratio is the median of the runs' ratios, each of one turn, with the least and the greatest.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import tempfile
from pathlib import Path

import record
from turns import measure

START = 4
PATCH = 256


def cpu_seconds(command: str, folder: Path, pictures: Path, batch: int, steps: int) -> float:
    """Of a run of so many steps."""
    folder.mkdir(exist_ok=True)
    out = tempfile.mkdtemp(dir=folder)
    how = f"--init lite-8 --trellis lite-8 --batch-size {batch} --patch-size {PATCH} --steps {steps} --threads 1"
    where = ["--data", str(pictures), "--cache", str(folder / "cache"), "--out", out]
    return measure([*shlex.split(command), "train", *where, *how.split()])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--data", type=Path, required=True, metavar="PICTURES")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    commands = dict(one.split("=", 1) for one in arguments.commands)
    found: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.runs):
            for name, command in commands.items():
                short, long = (
                    cpu_seconds(command, Path(folder) / name, arguments.data, arguments.batch_size, steps)
                    for steps in (START, START + arguments.steps)
                )
                found[name].append((long - short) / arguments.steps)
    first = next(iter(found.values()))
    rows = []
    for name, steps in found.items():
        ratios = [one / own for one, own in zip(first, steps, strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        pixels = arguments.batch_size * PATCH**2 / statistics.median(steps)
        rows.append([name, f"{statistics.median(steps):.2f}", f"{pixels / 1e6:.3f}", ratio])
    columns = ["release", "CPU s a step", "million pixels a CPU second", "ratio"]
    record.report(found, {"throughput": record.table(columns, rows)}, arguments.output)


if __name__ == "__main__":
    main()
