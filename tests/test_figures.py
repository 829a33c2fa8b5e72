"""What the documents' tables say is what the data files say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_tables_are_those_of_their_data_files() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "benchmarks/record.py", "--check"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


def test_a_changed_figure_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import record

    text = (ROOT / "README.md").read_text()
    place = re.search(r"(<!-- figures: \S+ \S+ -->.*?\n\| --.*?\n\| )", text, re.DOTALL)
    assert place
    assert record.filled(text.replace(place[1], place[1] + "7")) == text


@pytest.mark.parametrize("path", sorted(FIGURES.glob("*.json")), ids=lambda path: path.stem)
def test_each_data_file_is_dated_quoted_and_free_of_machines(path: Path) -> None:
    found = json.loads(path.read_text())
    assert date.fromisoformat(found["date"]) and found["command"].startswith("python benchmarks/")
    assert not re.search(r"/(home|root|work|tmp|mnt)/", path.read_text())
    for name in found["tables"]:
        assert any(f"<!-- figures: {path.stem} {name} -->" in text.read_text() for text in DOCUMENTS), name
