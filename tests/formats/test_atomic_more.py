"""Permissions and times of new files, and what is not a file."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from hpcmcodec.errors import OutputError
from hpcmcodec.formats import atomic
from hpcmcodec.formats.atomic import atomic_file, atomic_write

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("source", "before", "expected"),
    [
        *((0o600, None, 0o600), (0o640, None, 0o640), (0o444, None, 0o444), (None, 0o600, 0o600)),
        *((0o644, 0o600, 0o600), (0o600, 0o644, 0o600), (0o444, 0o600, 0o600), (0o644, 0o664, 0o644)),
    ],
)
def test_nobody_may_read_it_who_could_not_before(
    tmp_path: Path, source: int | None, before: int | None, expected: int
) -> None:
    path, original = tmp_path / "a.bin", tmp_path / "original"
    original.write_bytes(b"x")
    if before is not None:
        path.write_bytes(b"old")
        path.chmod(before)
    if source is not None:
        original.chmod(source)
    with atomic_file(path, like=original.stat() if source is not None else None) as file:
        file.write(b"new")
        if source is not None:
            assert mode(Path(file.name)) & 0o077 == 0
    assert mode(path) == expected and path.read_bytes() == b"new"


def test_without_a_source_the_usual_permissions(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert mode(tmp_path / "a") == mode(tmp_path / "b")


def test_times_of_the_source(tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.write_bytes(b"x")
    os.utime(original, ns=(10**18, 10**18 + 123456000))
    atomic_write(tmp_path / "a", b"y", like=original.stat())
    assert (tmp_path / "a").stat().st_mtime_ns == 10**18 + 123456000


def test_a_link_to_nothing_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(OutputError, match="exists"):
        atomic_write(tmp_path / "link", b"x", overwrite=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link"] and (tmp_path / "link").is_symlink()


def test_what_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(OutputError, match="exists"), atomic_file(path, overwrite=False) as file:
        file.write(b"late")
        path.symlink_to("nothing")
    assert path.is_symlink() and len(list(tmp_path.iterdir())) == 1


def test_data_and_name_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    true = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        true(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", fsync)
    atomic_write(tmp_path / "a", b"x")
    assert synced == [False, True]
    atomic.make_folder(tmp_path / "b" / "c")
    assert synced == [False, True, True, True]


def test_pipes_and_open_files_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    thread.start()
    atomic_write(pipe, b"through", overwrite=False)
    thread.join(10)
    assert read == [b"through"]
    with (tmp_path / "open").open("wb") as file:
        atomic_write(f"/dev/fd/{file.fileno()}", b"into")
    assert (tmp_path / "open").read_bytes() == b"into"
