"""What users of other codecs type: two paths, fractions of a quality, shapes; and what is refused in time."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from hpcmcodec.cli import bar, decode, models, text
from hpcmcodec.cli.main import cli
from hpcmcodec.formats.picture_output import FORMATS

from .storing import MARK, Hpcm

pytestmark = pytest.mark.usefixtures("storing")


@pytest.fixture(autouse=True)
def folder(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(pictures)
    return pictures


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_two_paths(hpcm: Hpcm) -> None:
    assert hpcm("encode", "a.png", "out.hpc").code == 0
    assert Path("out.hpc").exists() and not Path("a.hpc").exists()
    assert hpcm("decode", "out.hpc", "back.JPG").code == 0
    assert Path("back.JPG").read_bytes()[:2] == b"\xff\xd8" and not Path("out.png").exists()
    assert hpcm("encode", "-", "stdin.hpc", stdin=Path("a.png").read_bytes()).code == 0 and Path("stdin.hpc").exists()


@pytest.mark.parametrize("arguments", [["encode", "a.png", "out.hpx"], ["encode", "a.png", "out"]])
def test_two_paths_of_which_the_second_is_neither(hpcm: Hpcm, arguments: list[str]) -> None:
    result = hpcm(*arguments)
    assert result.code == 2 and "name it with -o" in result.err and not Path("a.hpc").exists()
    hpcm("encode", "a.png")
    assert hpcm("decode", "a.hpc", "out.gif").code == 2 and hpcm("encode", "b.png", "typo.png").code == 3


def test_two_paths_of_which_the_second_exists(hpcm: Hpcm) -> None:
    hpcm("encode", "a.png", "out.hpc")
    for options in ([], ["-f"], ["--skip-existing"]):
        again = hpcm("encode", "b.png", "out.hpc", *options)
        assert again.code == 4 and "-o out.hpc --force" in again.err and not Path("b.hpc").exists()
    back = hpcm("decode", "out.hpc", "a.png")
    assert back.code == 4 and not Path("out.png").exists()
    hpcm("encode", "a.png")
    assert hpcm("encode", "a.png", "a.hpc", "--skip-existing").code == 0  # a shell's *


def test_outputs_that_look_like_something_else(hpcm: Hpcm) -> None:
    for name in ("odd.jpg", "odd.HEIC"):
        refused = hpcm("encode", "a.png", "-o", name)
        assert refused.code == 4 and "--force" in refused.err and not Path(name).exists()
    assert hpcm("encode", "a.png", "-o", "odd.jpg", "-f").code == 0 and Path("odd.jpg").read_bytes().startswith(MARK)
    assert hpcm("decode", "odd.jpg", "-o", "odd.hpc", "--format", "png").code == 4
    both = hpcm("encode", "a.png", "b.png", "-o", "both.hpc")
    assert both.code == 2 and "folder" in both.err and not Path("both.hpc").exists()
    assert hpcm("encode", "a.png", "b.png", "-o", "both.hpc/").code == 0 and Path("both.hpc/b.hpc").exists()


def test_what_is_no_hpc_file(hpcm: Hpcm) -> None:
    result = hpcm("decode", "a.png")
    assert result.code == 10 and result.err == "hpcm: a.png is not an hpc file\n"
    assert hpcm("info", "a.png").code == 10


def test_fractions_of_a_quality(hpcm: Hpcm) -> None:
    assert hpcm("encode", "a.png", "-q", "75.5").code == 0
    assert hpcm("encode", "a.png", "-q", "100.5", "-f").code == 2


def test_version(hpcm: Hpcm) -> None:
    assert hpcm("-V").out == hpcm("--version").out != ""


def test_shapes(hpcm: Hpcm) -> None:
    cases = {
        ("--crop", "2,3,10,5"): (10, 5),
        ("--rotate", "90"): (12, 20),
        ("--resize", "50%"): (10, 6),
        ("--resize", "10"): (10, 6),
        ("--resize", "200"): (20, 12),
        ("--resize", "20x3"): (5, 3),
        ("--crop", "0,0,10,4", "--rotate", "270", "--resize", "5"): (2, 5),
    }
    for number, (options, expected) in enumerate(cases.items()):
        for source in ("a.png", "b.png", "grey.png")[: 1 if "--crop" in options else 3]:
            assert hpcm("encode", source, f"{number}{source}.hpc", *options, "--verify").code == 0
            assert hpcm("decode", f"{number}{source}.hpc", f"{number}{source}").code == 0
        assert size(f"{number}a.png") == expected, options
    turned = np.asarray(Image.open("1b.png"))
    assert np.array_equal(turned, np.rot90(np.asarray(Image.open("b.png")), -1))
    outside = hpcm("encode", "a.png", "x.hpc", "--crop", "15,0,10,5")
    assert outside.code == 2 and "20 x 12" in outside.err
    for wrong in ("0", "x", "-5", "0%", "10x0"):
        assert hpcm("encode", "a.png", "x.hpc", f"--resize={wrong}").code == 2


def test_suffixes_of_outputs_are_those_that_can_be_written() -> None:
    assert {suffix for suffixes in FORMATS.values() for suffix in suffixes} == decode.OUTPUTS


@pytest.mark.parametrize("width", [50, 60, 80])
def test_help_on_narrow_terminals(width: int) -> None:
    for name in ("", "encode", "decode", "bench", "archive"):
        root = click.Context(cli, info_name="hpcm", terminal_width=width)
        command = cli.get_command(root, name) if name else cli
        assert command is not None
        context = command.context_class(command, info_name=name or "hpcm", terminal_width=width)
        words = ["convert", "hpcm", "shots/", "tcp://head:8786"]
        for line in command.get_help(context).splitlines():
            assert len(line) <= width or max(map(len, line.split())) > width // 2 or line.startswith("Usage"), line
        assert name != "encode" or all(word in command.get_help(context) for word in words)


def test_tables_on_narrow_terminals() -> None:
    rows = [("name", "size"), ("lite", "13 MB"), ("other", "1 MB")]
    assert models._table(rows, 20) == ["name   size", "lite   13 MB", "other  1 MB"]
    assert models._table(rows, 8) == ["lite", "  size       13 MB", "other", "  size       1 MB"]


def test_progress_goes_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []
    monkeypatch.setattr(text, "is_terminal", lambda stream: True)
    monkeypatch.setattr(bar, "_EVERY_SECONDS", 0.0)
    with bar.Bar("encode", ["small", "large", "odd"], {"small": 10, "large": 30}.get, quiet=False) as made:
        assert made._progress is not None
        task = made._progress.tasks[0]
        assert task.total == 60  # what cannot be told counts like the mean of the others
        made.tell("large", 0.5)
        shown.append(task.completed)
        made.finish("large")
        made.tell("small", 0.1)
        shown.append(task.completed)
        made.finish("odd", failed=True)
        shown.append(task.completed)
    assert shown == [15, 31, 51] and text.above is None


def test_one_file_has_a_bar_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "is_terminal", lambda stream: True)
    monkeypatch.setattr(bar, "_EVERY_SECONDS", 0.0)
    with bar.Bar("encode", ["one"], lambda file: None, quiet=False) as made:
        made.tell("one", 0.1)
        assert made._progress is None
        monkeypatch.setattr(bar, "AFTER_SECONDS", 0.0)
        made.tell("one", 0.2)
        assert made._progress is not None and made._progress.tasks[0].percentage == pytest.approx(20)
