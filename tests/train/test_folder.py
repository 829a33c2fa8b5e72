"""The folder of a run is never one of pictures, nor of anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from hpcmcodec.errors import OutputError, UsageError
from hpcmcodec.train.config import RunConfig
from hpcmcodec.train.folder import check_folder
from hpcmcodec.train.run import train


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("option", ["data", "valid"])
def test_not_a_folder_that_is_read_from(settings: dict[str, Any], photos: Path, tmp_path: Path, option: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(photos)
    before = tree(photos)
    for out in (photos, link, photos / "sub" / ".."):
        with pytest.raises(UsageError, match=f"--{option}"):
            values = settings if option == "data" else {**settings, "data": photos / "sub"}
            train(RunConfig(**{**values, option: photos, "out": out, "steps": 1}))
    assert tree(photos) == before


def test_not_a_folder_of_something_else(settings: dict[str, Any], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match=r"letter\.txt"):
        train(RunConfig(**{**settings, "out": home, "steps": 1}))
    assert tree(home) == {"letter.txt": b"dear"}
    file = tmp_path / "file"
    file.write_text("no folder")
    with pytest.raises(OutputError):
        train(RunConfig(**{**settings, "out": file, "steps": 1}))


def test_folders_of_runs(settings: dict[str, Any], tmp_path: Path) -> None:
    """New, empty, left by a run that ended before its first checkpoint, or with notes beside a checkpoint."""
    run = tmp_path / "run"
    config = RunConfig(**{**settings, "out": run, "steps": 1})
    check_folder(config)
    run.mkdir()
    check_folder(config)
    (run / "metrics.jsonl").write_text("")
    (run / "pictures-0123456789abcdef.bin").write_bytes(b"")
    check_folder(config)
    (run / "last.pt").write_bytes(b"")
    (run / "notes.txt").write_text("mine")
    check_folder(config)
