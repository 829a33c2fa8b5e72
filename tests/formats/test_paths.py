"""One file under two names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpcmcodec.errors import OutputError
from hpcmcodec.formats import paths
from hpcmcodec.formats.paths import ignores_case, keep_sources, same_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


def test_links_folders_links_and_hard_links_lead_to_one_file(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to(real / "a")
    (tmp_path / "folder").symlink_to(real, target_is_directory=True)
    (tmp_path / "hard").hardlink_to(real / "a")
    (tmp_path / "b").write_bytes(b"x")
    names = [tmp_path / name for name in ("link", "folder/a", "hard", "real/../real/a")]
    for name in names:
        assert same_file(name, real / "a") and same_file(real / "a", name)
        with pytest.raises(OutputError, match="input as well"):
            keep_sources(name, [tmp_path / "b", real / "a"])
    assert not same_file(tmp_path / "b", real / "a")
    keep_sources(tmp_path / "b", names)


def test_names_of_files_to_come(tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dangling").symlink_to("to-come")
    assert same_file(tmp_path / "to-come", tmp_path / "folder/to-come")
    assert same_file(tmp_path / "to-come", tmp_path / "dangling")
    assert not same_file(tmp_path / "one", tmp_path / "other")


def test_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Shots").mkdir()
    assert ignores_case(tmp_path / "Shots") == (tmp_path / "sHOTS").exists()
    true = paths.identity
    monkeypatch.setattr(paths, "identity", lambda path: true(str(path).replace("sHOTS", "Shots")))
    assert ignores_case(tmp_path / "Shots") and ignores_case(tmp_path / "Shots" / "1")
