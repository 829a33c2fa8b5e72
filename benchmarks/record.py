"""Measurements as dated data files, and the documents' tables, which are made of them.

    python benchmarks/record.py           write the tables of README.md and docs/ anew from docs/figures/
    python benchmarks/record.py --check   name those that are not what their data file says

A table in a document stands between `<!-- figures: FILE TABLE -->` and `<!-- end -->`; FILE is one of docs/figures
without its suffix. The scripts of this folder write these files with `-o`.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hpcmcodec import __version__, kernels
from hpcmcodec.bench.machine import load, processor_name

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures"
_PLACE = re.compile(r"(<!-- figures: (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

Table = dict[str, list[Any]]
"""`columns`: their heads; `rows`: lists of texts, one for each column."""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table as data files hold it."""
    lines = [[str(cell) for cell in row] for row in rows]
    for line in lines:
        if len(line) != len(columns):
            raise ValueError(f"a row of {len(line)} cells under {len(columns)} columns: {line}")
    return {"columns": list(columns), "rows": lines}


def markdown(found: Table) -> str:
    """The lines of a table in Markdown."""
    lines = [found["columns"], ["---"] * len(found["columns"]), *found["rows"]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def report(measured: Any, tables: dict[str, Table], output: Path | None, note: str = "") -> None:
    """Prints the tables, and writes them with everything that was measured, the command and the machine, if there is
    an output. `note`: what else must be known of this run, such as which pictures."""
    print("\n".join(markdown(found) for found in tables.values()), flush=True)
    if output is None:
        return
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["python", "benchmarks/" + Path(sys.argv[0]).name, *_without_paths(sys.argv[1:])]),
        "machine": f"{processor_name()}, {kernels.simd_level()}",
        "load before the end": load(),
        "hpcmcodec": __version__,
        **({"note": note} if note else {}),
        "tables": tables,
        "measured": measured,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _without_paths(arguments: Sequence[str]) -> list[str]:
    """What was typed, without the folders of the machine that it was typed on."""
    return [re.sub(r"(^|(?<=[,=\s]))/[^,\s]*/", "", argument) for argument in arguments]


def filled(text: str) -> str:
    """A document with its tables as the data files have them. SystemExit: there is no such table."""

    def fill(place: re.Match[str]) -> str:
        source = FIGURES / f"{place[2]}.json"
        tables = json.loads(source.read_text(encoding="utf-8"))["tables"] if source.exists() else {}
        if place[3] not in tables:
            raise SystemExit(f"{source.relative_to(ROOT)} has no table {place[3]}")
        return f"{place[1]}\n{markdown(tables[place[3]])}\n{place[4]}"

    return _PLACE.sub(fill, text)


def documents() -> list[Path]:
    """Where tables of measurements are."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        new = filled(text)
        if new != text:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.write_text(new, encoding="utf-8")
    if check and stale:
        sys.exit(f"tables unlike docs/figures: {', '.join(stale)}; python benchmarks/record.py mends them")


if __name__ == "__main__":
    main()
