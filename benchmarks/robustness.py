"""Odd and damaged pictures through the installed commands, compared with a table of what a careful reader shows.

    python benchmarks/robustness.py FOLDER     TABLE.csv in FOLDER: file, expected (ok | error), expected_mode,
                                               expected_width, expected_height, note

A file passes if it was encoded, verified and decoded to the expected mode and size, or was refused with one line where
an error is expected. Where the note allows either, both pass, and pictures above the default limit on pixels must be
refused. Nothing may crash, and nothing may be left half-written.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from PIL import Image

from hpcmcodec.formats.pictures import MAX_PIXELS

REFUSALS = (3, 16)  # not readable, over a limit
EITHER = ("a clean refusal is fine too", "the file is valid", "or refuse")
SECONDS = 3600


def hpcm(*arguments: str) -> tuple[int, list[dict[str, Any]], list[str]]:
    """Runs the command -> exit code, JSON objects of files, lines of standard error that are no warnings of ours."""
    command = [sys.executable, "-m", "hpcmcodec", *arguments, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    values = [json.loads(line) for line in result.stdout.splitlines()]
    files = [value for value in values if value.get("kind") == "file"]
    return result.returncode, files, [line for line in result.stderr.splitlines() if " warning: " not in line]


def convert(folder: Path, names: list[str], work: Path) -> dict[str, dict[str, Any]]:
    """Encodes and decodes files of one suffix (so that no two have one name) -> name: outcome of the last step."""
    suffix = Path(names[0]).suffix.lower().lstrip(".") or "none"
    coded, back = work / f"{suffix}-coded", work / f"{suffix}-back"
    code, files, errors = hpcm("encode", *(str(folder / name) for name in names), "-o", f"{coded}/", "--verify")
    outcomes = {Path(value["source"]).name: value for value in files}
    failed = sum(value["status"] == "failed" for value in files)
    if code not in (0, 1, *REFUSALS) or len(errors) != failed:
        print(f"{suffix}: exit code {code}, {failed} failed, standard error:", *errors, sep="\n  ")
    if coded.is_dir():
        for value in hpcm("decode", str(coded), "-o", f"{back}/")[1]:
            name = next(n for n in names if Path(n).stem == Path(value["source"]).stem)
            outcomes[name] = value
    return outcomes


def problem(row: dict[str, str], outcome: dict[str, Any] | None) -> str | None:
    """What differs from the table, or None."""
    if outcome is None:
        return "no outcome: the command did not get that far"
    either = any(words in row["note"] for words in EITHER)
    if outcome["status"] == "failed":
        error = outcome["error"]
        if error["exit_code"] not in REFUSALS:
            return f"{error['type']}: {error['message']}"
        too_large = int(row["width"] or 0) * int(row["height"] or 0) > MAX_PIXELS and error["exit_code"] == 16
        return None if row["expected"] == "error" or either or too_large else f"refused: {error['message']}"
    if row["expected"] == "error":
        return None if either else "accepted, an error is expected"
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(outcome["destination"]) as image:
        got = image.mode, str(image.width), str(image.height)
    wanted = row["expected_mode"], row["expected_width"], row["expected_height"]
    same = got == wanted or (got[0] == "LA" and "LA is right too" in row["note"] and got[1:] == wanted[1:])
    return None if same else f"{got}, expected {wanted}"


def main() -> int:
    """Prints what differs; the exit code says whether anything did."""
    folder = Path(sys.argv[1]).absolute()
    with (folder / "TABLE.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        groups[Path(row["file"]).suffix.lower()].append(row["file"])
    differing = 0
    with tempfile.TemporaryDirectory() as temporary:
        outcomes: dict[str, dict[str, Any]] = {}
        for names in groups.values():
            outcomes |= convert(folder, names, Path(temporary))
        for row in rows:
            text = problem(row, outcomes.get(row["file"]))
            differing += text is not None
            if text:
                print(f"{row['file']}: {text}  [{row['note']}]")
        left = [path for path in Path(temporary).rglob("*") if path.name.startswith(".")]
    print(f"{len(rows)} files, {differing} differ from the table, {len(left)} half-written files left behind")
    return bool(differing or left)


if __name__ == "__main__":
    sys.exit(main())
