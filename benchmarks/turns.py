"""Commands in turns: seconds, seconds of CPU and peak memory of whole processes, as ratios to the first one's.

    python benchmarks/turns.py [--runs 9] [-o RESULTS.json] NAME=COMMAND NAME=COMMAND ...

For instance two releases in environments of their own, and `hpcmdec`, on files of the same picture:

    python benchmarks/turns.py old='old/bin/hpcm decode -f old.hpc -o a.ppm' \\
        new='new/bin/hpcm decode -f new.hpc -o b.ppm' dec='build/libhpcm/bin/hpcmdec -m models new.hpc c.ppm'

A ratio is the median of the runs' ratios, each against the first command's run of the same turn, with the quartiles:
a machine that slows down slows all. Each command runs once before anything is measured. Standard output is not shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    commands = {name: shlex.split(command) for name, command in (g.split("=", 1) for g in arguments.commands)}
    for command in commands.values():
        measure(command)
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(arguments.runs):
        for name, command in commands.items():
            runs[name].append(measure(command))
    first = next(iter(runs.values()))
    results = {name: summary(own, first) for name, own in runs.items()}
    for name, found in results.items():
        parts = (f"{found[m]['median']:8.3f} {m} ({found[m]['ratio'][1]:.2f})" for m in MEASURES)
        print(f"{name:10}", *parts)
    if arguments.output:
        about = {"date": datetime.now(UTC).date().isoformat(), "runs": arguments.runs, "results": results}
        arguments.output.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
