"""Commands in turns: seconds, seconds of CPU and peak memory of whole processes, as ratios to the first one's.

    python benchmarks/turns.py [--runs 9] [-o FILE] [--note TEXT] NAME=COMMAND NAME=COMMAND ...

For instance two releases in environments of their own, and `hpcmdec`, on files of the same picture:

    python benchmarks/turns.py old='old/bin/hpcm decode -f old.hpc -o a.ppm' \\
        new='new/bin/hpcm decode -f new.hpc -o b.ppm' dec='build/libhpcm/bin/hpcmdec -m models new.hpc c.ppm'

A ratio is the median of the runs' ratios, each against the first command's run of the same turn, with the quartiles:
a machine that slows down slows all. Each command runs once before anything is measured. Standard output is not shown.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import record

MEASURES = ("seconds", "cpu_seconds", "peak_mb")


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MB of one process. With PYTHONDONTWRITEBYTECODE, which some machines set,
    Python would compile all modules at every start."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{shlex.join(arguments)} failed with exit code {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def summary(own: list[tuple[float, float, float]], first: list[tuple[float, float, float]]) -> dict[str, Any]:
    """Medians, and medians and quartiles of the ratios, by measure."""
    found: dict[str, Any] = {}
    for index, name in enumerate(MEASURES):
        ratios = [a[index] / b[index] for a, b in zip(own, first, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        found[name] = {
            "median": round(statistics.median(run[index] for run in own), 3),
            "ratio": [round(value, 3) for value in (low, middle, high)],
        }
    return found


def row(name: str, found: dict[str, Any]) -> list[str]:
    """Seconds, CPU seconds and MB, each with its ratio and the ratio's quartiles."""
    cells = [name]
    for key, digits in (("seconds", 2), ("cpu_seconds", 2), ("peak_mb", 0)):
        low, middle, high = found[key]["ratio"]
        cells.append(f"{found[key]['median']:.{digits}f}: {middle:.2f} ({low:.2f} to {high:.2f})")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--runs", type=int, default=9, help="2 or more, of which quartiles are made")
    parser.add_argument("--note", default="")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if arguments.runs < 2:
        parser.error("--runs: quartiles need 2 runs or more")
    commands = {name: shlex.split(command) for name, command in (g.split("=", 1) for g in arguments.commands)}
    for command in commands.values():
        measure(command)
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(arguments.runs):
        for name, command in commands.items():
            runs[name].append(measure(command))
    first = next(iter(runs.values()))
    results = {name: summary(own, first) for name, own in runs.items()}
    rows = [row(name, found) for name, found in results.items()]
    table = record.table(["command", "seconds: ratio", "CPU s: ratio", "MB: ratio"], rows)
    note = "; ".join(filter(None, [f"{arguments.runs} turns", arguments.note]))
    record.report(results, {"turns": table}, arguments.output, note)


if __name__ == "__main__":
    main()
