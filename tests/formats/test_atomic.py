"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpcmcodec.errors import OutputError
from hpcmcodec.formats import atomic
from hpcmcodec.formats.atomic import atomic_file, atomic_write


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    atomic_write(path, b"one")
    atomic_write(path, memoryview(b"two"))
    assert path.read_bytes() == b"two" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_file(path) as file:
        file.write(b"half of the")
        assert len(list(tmp_path.iterdir())) == 2
        raise error
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_existing_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    atomic_write(path, b"one", overwrite=False)
    for links in (True, False):
        if not links:
            monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no links")))
        with pytest.raises(OutputError, match="exists"):
            atomic_write(path, b"two", overwrite=False)
        assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]
    atomic_write(tmp_path / "b.bin", b"b", overwrite=False)
    assert (tmp_path / "b.bin").read_bytes() == b"b"


def test_refusals_are_output_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "folder", tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(OutputError, match="cannot write"):
            atomic_write(path, b"data")
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        atomic_write(tmp_path / "a.bin", b"data")
    assert not list(tmp_path.iterdir())


def test_links_are_followed_and_devices_kept(tmp_path: Path) -> None:
    target = tmp_path / "target.bin"
    link = tmp_path / "link.bin"
    link.symlink_to(target)
    atomic_write(link, b"through")
    assert link.is_symlink() and target.read_bytes() == b"through"
    atomic_write(os.devnull, b"gone")
    assert not Path(os.devnull).is_file()
