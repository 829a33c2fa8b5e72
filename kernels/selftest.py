"""Recorded results of the kernels' self-test, and the comparison with them.

`selftest.json` holds the hash of every operation's results. It is part of the format: it changes only when an operation
is added. `python -m hpcmcodec.kernels.selftest --record` writes it anew from the scalar kernels.
"""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

from hpcmcodec.kernels.runtime import self_test as run
from hpcmcodec.kernels.runtime import set_simd_level, simd_level

FILE = Path(str(resources.files("hpcmcodec.kernels") / "selftest.json"))


def recorded() -> dict[str, str]:
    """Name of the operation -> hash of its results."""
    hashes: dict[str, str] = json.loads(FILE.read_text())
    return hashes


def results(level: str) -> dict[str, str]:
    """The same from this machine at an instruction set. ValueError if it is not available."""
    before = simd_level()
    set_simd_level(level)
    try:
        return run()
    finally:
        set_simd_level(before)


def differences(level: str) -> list[str]:
    """Operations whose results at this instruction set are not the recorded ones, or that only one side knows."""
    expected, found = recorded(), results(level)
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        FILE.write_text(json.dumps(results("scalar"), indent=1, sort_keys=True) + "\n")
    else:
        sys.exit("usage: python -m hpcmcodec.kernels.selftest --record")
