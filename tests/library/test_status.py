"""One set of numbers for what can go wrong: the C library, the command, the package, the browser."""

from __future__ import annotations

import re
from pathlib import Path

from hpcmcodec import errors
from hpcmcodec.cli import main

ROOT = Path(__file__).parents[2]


def numbers(text: str, pattern: str) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(pattern, text)}


def test_the_c_library_has_the_commands_codes() -> None:
    header = (ROOT / "kernels/core/hpcm.h").read_text().partition("} hpcm_status;")[0]
    found = numbers(header, r"HPCM_([A-Z_]+) = (\d+)(?:,| )")
    codes = main.exit_codes()
    assert found.pop("OK") == 0
    assert len(found) == 12 and set(found.values()) <= set(codes)
    assert found["CANCELLED"] == main.INTERRUPTED and found["FAILED"] == main.INTERNAL
    own = (errors.UsageError, errors.InputError, errors.NotHpcError, errors.TruncatedError, errors.CorruptError)
    names = ("USAGE", "INPUT", "NOT_HPC", "TRUNCATED", "CORRUPT")
    assert [found[name] for name in names] == [kind.exit_code for kind in own]


def test_the_browser_has_the_commands_codes() -> None:
    found = numbers((ROOT / "web/src/errors.js").read_text(), r"class (\w+) extends ofCode\((\d+)\)")
    assert len(found) == 10 and set(found.values()) <= set(main.exit_codes())
