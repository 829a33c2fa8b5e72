"""Documents are for readers of plain text too: lines of at most 120 letters."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WIDTH = 120
FOLDERS = (".", "docs", "docs/guide", "docs/networks", "formats", "models", "web")
DOCUMENTS = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.md"))]


def free_to_be_long(line: str) -> bool:
    """Rows of tables and lines of code."""
    return line.startswith(("|", "    "))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_are_short(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), 1)
    assert not [number for number, line in lines if len(line) > WIDTH and not free_to_be_long(line)]
