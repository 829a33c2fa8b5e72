"""URLs as sources and destinations, over fsspec's storage in memory."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import pytest

from hpcmcodec.batch import Existing, Plan, Task, Url, place, plan
from hpcmcodec.batch.places import existing
from hpcmcodec.batch.reading import read_bytes, read_coded
from hpcmcodec.batch.run import Gate
from hpcmcodec.batch.writing import write_bytes
from hpcmcodec.errors import InputError, LimitExceededError, OutputError, StorageError, UsageError
from hpcmcodec.formats.container import SIGNATURE

pytest.importorskip("fsspec")


@pytest.fixture
def bucket() -> Url:
    """An empty folder."""
    return Url(f"memory://bucket-{uuid.uuid4().hex}")


def make(folder: Url, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


def encode_plan(source: Url, output: Url | Path | None, found: Existing = Existing.REFUSE) -> Plan:
    return plan([source], output, suffix=".hpc", accepted=frozenset({".png"}), existing=found)


def test_names() -> None:
    assert place("a/b.png") == Path("a/b.png")
    assert place("file:///a/b.png") == Path("/a/b.png")
    url = place("s3://bucket/sub/photo.of.me.png")
    assert isinstance(url, Url)
    assert (url.protocol, url.name, str(url.parent)) == ("s3", "photo.of.me.png", "s3://bucket/sub")
    assert str(url.with_suffix(".hpc")) == "s3://bucket/sub/photo.of.me.hpc"
    assert place("s3://bucket/") / Path("a") / "b.png" == Url("s3://bucket/a/b.png")
    with pytest.raises(UsageError, match="chained"):
        place("zip://a.png::s3://bucket/a.zip")


def test_a_folder_is_mirrored_without_hidden_and_foreign_files(bucket: Url) -> None:
    make(bucket, "in/b.PNG", "in/sub/c.png", "in/notes.txt", "in/.hidden.png", "in/.git/d.png")
    made = encode_plan(bucket / "in", bucket / "out")
    assert [(str(t.source), str(t.destination)) for t in made.tasks] == [
        (f"{bucket}/in/b.PNG", f"{bucket}/out/b.hpc"),
        (f"{bucket}/in/sub/c.png", f"{bucket}/out/sub/c.hpc"),
    ]
    local = encode_plan(bucket / "in", Path("here"))
    assert [task.destination for task in local.tasks] == [Path("here/b.hpc"), Path("here/sub/c.hpc")]


def test_existing_destinations(bucket: Url) -> None:
    make(bucket, "in/a.png", "in/b.png", "in/sub/c.png", "out/a.hpc", "out/sub/c.hpc")

    def counts(found: Existing) -> tuple[int, int, int]:
        made = encode_plan(bucket / "in", bucket / "out", found)
        return len(made.tasks), len(made.skipped), len(made.failures)

    assert counts(Existing.REFUSE) == (1, 0, 2)
    assert counts(Existing.SKIP) == (1, 2, 0)
    assert counts(Existing.REPLACE) == (3, 0, 0)
    there = {bucket / "out/a.hpc", bucket / "out/sub/c.hpc"}
    assert existing([*there, bucket / "out/b.hpc", bucket / "nowhere/x", bucket / "nowhere/y"]) == dict.fromkeys(
        there, True
    )


def test_missing_source_is_a_failure(bucket: Url) -> None:
    ((task, error),) = encode_plan(bucket / "nope.png", None).failures
    assert task.source == bucket / "nope.png" and isinstance(error, InputError)
    with pytest.raises(InputError, match="no such file"):
        read_bytes(bucket / "nope.png")


def test_what_is_there_is_kept_unless_it_is_the_same_or_to_be_replaced(bucket: Url, tmp_path: Path) -> None:
    for target in (bucket / "sub/a.hpc", tmp_path / "sub/a.hpc"):
        write_bytes(Task(bucket, target), b"one", Gate(), check=True)
        write_bytes(Task(bucket, target), b"one", Gate())  # as an attempt after one whose worker died
        with pytest.raises(OutputError, match="exists"):
            write_bytes(Task(bucket, target), b"two", Gate())
        assert read_bytes(target) == b"one"
        write_bytes(Task(bucket, target, replace=True), b"two", Gate())
        assert read_bytes(target) == b"two"


def test_storages_without_whole_writes_get_another_name_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Url(f"local://{tmp_path}/sub/a.hpc")
    target.write_bytes(b"one")
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["a.hpc"]

    def fail(self: object, *arguments: object, **options: object) -> None:
        raise TimeoutError("the line is dead")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.mv", fail)
    with pytest.raises(StorageError, match="the line is dead"):
        target.write_bytes(b"two")
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["a.hpc"]
    assert target.read_bytes() == b"one"


def test_missing_libraries_and_protocols_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        Url("nonsense://a/b").exists()
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UsageError, match=r"hpcmcodec\[s3\]"):
        Url("s3://bucket/a").exists()
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"hpcmcodec\[urls\]"):
        Url("memory://a").exists()


def test_other_trouble_may_be_tried_again(bucket: Url, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("throttled,\nslow down")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.cat_file", fail)
    with pytest.raises(StorageError, match="throttled, slow down"):
        (bucket / "a").read_bytes()


def test_what_brings_a_protocol_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(UsageError, match=r"pip install 'fsspec\[http\]'"):
        Url("http://127.0.0.1/a.hpc").exists()


def test_no_name_at_all() -> None:
    with pytest.raises(UsageError, match="empty"):
        place("")


def test_an_empty_object_is_no_work(bucket: Url) -> None:
    make(bucket, "in/a.png", "in/b.png")
    (bucket / "out/a.hpc").write_bytes(b"")
    (bucket / "out/b.hpc").write_bytes(b"x")
    made = encode_plan(bucket / "in", bucket / "out", Existing.SKIP)
    assert [task.source for task in made.tasks] == [bucket / "in/a.png"] and made.tasks[0].replace
    single = encode_plan(bucket / "in/a.png", bucket / "out/a.hpc", Existing.SKIP)
    assert len(single.tasks) == 1


def test_what_a_server_sends_is_read_to_a_limit(bucket: Url) -> None:
    (bucket / "a.hpc").write_bytes(SIGNATURE + bytes(5 << 20))
    (bucket / "b.hpc").write_bytes(bytes(5 << 20))
    assert read_coded(bucket / "b.hpc", 1000) == bytes(16)
    for read in (read_coded, read_bytes):
        with pytest.raises(LimitExceededError, match="--max-memory"):
            read(bucket / "a.hpc", 1 << 20)
        assert len(read(bucket / "a.hpc", 6 << 20)) == (5 << 20) + len(SIGNATURE)
    with pytest.raises(InputError, match="no such file"):
        read_coded(bucket / "nope.hpc")


def test_a_web_server_s_file_is_not_read_to_find_out_that_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsspec would read all of it, which may have no end, for links that it may hold."""
    monkeypatch.setattr(Url, "_open", lambda self: pytest.fail("asked"))
    assert not Url("http://127.0.0.1/a.hpc").is_dir() and not Url("https://127.0.0.1/a").is_dir()
