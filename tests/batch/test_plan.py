"""Names, trees, collisions: which source becomes which destination."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpcmcodec.batch import STREAM, Existing, Plan, Task, plan
from hpcmcodec.errors import InputError, OutputError, UsageError

ACCEPTED = frozenset({".png", ".jpg"})


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def encode_plan(
    *sources: Path, output: Path | None = None, existing: Existing = Existing.REFUSE, folder: bool = False
) -> Plan:
    return plan(sources, output, suffix=".hpc", accepted=ACCEPTED, existing=existing, folder=folder)


def pairs(made: Plan) -> list[tuple[Path, Path | None]]:
    assert not made.failures
    return [(task.source, task.destination) for task in made.tasks]


def test_beside_the_source_without_output(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "photo.of.me.jpeg")
    made = encode_plan(tmp_path / "a.png", tmp_path / "photo.of.me.jpeg")
    assert pairs(made) == [
        (tmp_path / "a.png", tmp_path / "a.hpc"),
        (tmp_path / "photo.of.me.jpeg", tmp_path / "photo.of.me.hpc"),
    ]


def test_one_file_to_a_named_file_or_into_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "there/x")
    source = tmp_path / "a.png"
    assert pairs(encode_plan(source, output=tmp_path / "b.bin")) == [(source, tmp_path / "b.bin")]
    assert pairs(encode_plan(source, output=tmp_path / "there")) == [(source, tmp_path / "there/a.hpc")]
    assert pairs(encode_plan(source, output=tmp_path / "new", folder=True)) == [(source, tmp_path / "new/a.hpc")]


def test_folder_is_mirrored_in_sorted_order_without_hidden_and_foreign_files(tmp_path: Path) -> None:
    make(tmp_path, "in/b.PNG", "in/a.jpg", "in/sub/deep/c.png", "in/notes.txt", "in/.hidden.png", "in/.git/d.png")
    made = encode_plan(tmp_path / "in", output=tmp_path / "out")
    assert [task.destination for task in made.tasks] == [
        tmp_path / "out/a.hpc",
        tmp_path / "out/b.hpc",
        tmp_path / "out/sub/deep/c.hpc",
    ]


def test_folders_among_several_sources_keep_their_names(tmp_path: Path) -> None:
    make(tmp_path, "one/a.png", "two/a.png", "a.png")
    made = encode_plan(tmp_path / "one", tmp_path / "two", tmp_path / "a.png", output=tmp_path / "out")
    assert [str(task.destination) for task in made.tasks] == [
        str(tmp_path / "out" / name) for name in ("one/a.hpc", "two/a.hpc", "a.hpc")
    ]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "in/a.png")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in", target_is_directory=True)
    assert len(encode_plan(tmp_path / "in").tasks) == 1


def test_same_source_twice_is_converted_once(tmp_path: Path) -> None:
    make(tmp_path, "in/a.png")
    made = encode_plan(tmp_path / "in", tmp_path / "in/a.png", tmp_path / "in/../in/a.png")
    assert len(made) == 1


def test_two_sources_with_one_destination_both_fail(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "a.jpg", "b.png")
    made = encode_plan(tmp_path)
    assert [task.source.name for task in made.tasks] == ["b.png"]
    assert {task.source.name for task, _ in made.failures} == {"a.png", "a.jpg"}
    assert all(isinstance(error, OutputError) and "a.hpc" in str(error) for _, error in made.failures)


def test_a_source_is_never_a_destination(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    made = encode_plan(tmp_path / "a.png", output=tmp_path / "sub/../a.png", existing=Existing.REPLACE)
    assert [type(error) for _, error in made.failures] == [OutputError]


@pytest.mark.parametrize(("existing", "counts"), [("refuse", (0, 0, 1)), ("skip", (0, 1, 0)), ("replace", (1, 0, 0))])
def test_existing_destination(tmp_path: Path, existing: str, counts: tuple[int, int, int]) -> None:
    make(tmp_path, "a.png", "a.hpc")
    made = encode_plan(tmp_path / "a.png", existing=Existing(existing))
    assert (len(made.tasks), len(made.skipped), len(made.failures)) == counts
    assert all(task.replace for task in made.tasks)


def test_missing_source_is_a_failure_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    made = encode_plan(tmp_path / "nope.png", tmp_path / "a.png")
    assert len(made.tasks) == 1
    ((task, error),) = made.failures
    assert task == Task(tmp_path / "nope.png", None) and isinstance(error, InputError)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every folder")
def test_unreadable_folder_is_a_failure(tmp_path: Path) -> None:
    make(tmp_path, "in/closed/a.png", "in/b.png")
    (tmp_path / "in/closed").chmod(0)
    made = encode_plan(tmp_path / "in")
    (tmp_path / "in/closed").chmod(0o700)
    assert len(made.tasks) == 1 and len(made.failures) == 1


def test_several_sources_need_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.png")
    with pytest.raises(UsageError, match="folder"):
        encode_plan(tmp_path / "a.png", tmp_path / "b.png", output=STREAM)
    made = encode_plan(tmp_path / "a.png", tmp_path / "b.png", output=tmp_path / "new")
    assert made.tasks[0].destination == tmp_path / "new/a.hpc"


def test_standard_streams() -> None:
    assert pairs(encode_plan(STREAM)) == [(STREAM, STREAM)]
    assert pairs(encode_plan(STREAM, output=Path("x.hpc"))) == [(STREAM, Path("x.hpc"))]
    assert pairs(encode_plan(STREAM, output=Path("new"), folder=True)) == [(STREAM, Path("new/stdin.hpc"))]
