"""Compares outputs of the self-test program with the recorded hashes: compare.py OUTPUT... selftest.json"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def compare(outputs: list[Path], recorded: Path) -> list[str]:
    """What is wrong, one line each; empty if every operation of every level has its recorded hash."""
    expected: dict[str, str] = json.loads(recorded.read_text())
    problems = []
    for output in outputs:
        found: dict[str, set[str]] = {}
        for line in output.read_text().splitlines():
            level, name, value = line.split()
            found.setdefault(level, set()).add(name)
            if expected.get(name) != value:
                problems.append(f"{output.name}: {name} at level {level} is {value}, not {expected.get(name)}")
        for level, names in found.items():
            problems += [
                f"{output.name}: {name} is missing at level {level}" for name in sorted(expected.keys() - names)
            ]
        print(f"{output.name}: {len(expected)} operations at levels {', '.join(found)}")
        if not found:
            problems.append(f"{output.name} holds no results")
    return problems


if __name__ == "__main__":
    found_problems = compare([Path(name) for name in sys.argv[1:-1]], Path(sys.argv[-1]))
    sys.exit("\n".join(found_problems) if found_problems else 0)
