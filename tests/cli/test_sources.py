"""No source is ever lost, whatever leads to it; what is written is as private and as old as its source."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from .storing import MARK, Hpcm

pytestmark = [
    pytest.mark.usefixtures("storing"),
    pytest.mark.skipif(os.name == "nt", reason="links and permissions of POSIX"),
]


@pytest.fixture(autouse=True)
def folder(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(pictures)
    return pictures


@pytest.mark.parametrize("kind", ["link", "hard", "linked/a.png", "sub/../a.png", "../shots/a.png"])
def test_an_output_that_is_the_source(hpcm: Hpcm, folder: Path, kind: str) -> None:
    Path("link").symlink_to("a.png")
    Path("hard").hardlink_to("a.png")
    Path("linked").symlink_to(".", target_is_directory=True)
    before = Path("a.png").read_bytes()
    for options in (["-f"], ["-f", "--quiet"], ["--skip-existing", "-o", "x/"]):
        hpcm("encode", "a.png", "-o", kind, *options)
    result = hpcm("encode", "a.png", "-o", kind, "-f")
    assert result.code == 4 and "input as well" in result.err
    assert Path("a.png").read_bytes() == before


def test_decoding_over_a_source(hpcm: Hpcm) -> None:
    hpcm("encode", "a.png")
    Path("l.png").symlink_to("a.hpc")
    result = hpcm("decode", "a.hpc", "-o", "l.png", "-f")
    assert result.code == 4 and "input as well" in result.err and Path("a.hpc").read_bytes().startswith(MARK)


def test_one_file_of_a_batch_over_another_source(hpcm: Hpcm) -> None:
    Path("out").mkdir()
    Path("out/a.hpc").symlink_to("../b.png")
    before = Path("b.png").read_bytes()
    result = hpcm("encode", "a.png", "b.png", "-o", "out", "-f")
    assert result.code == 4 and Path("b.png").read_bytes() == before and Path("out/b.hpc").exists()


def test_thumbnails_and_models(hpcm: Hpcm, tmp_path: Path) -> None:
    hpcm("encode", "a.png")
    Path("t.png").symlink_to("a.hpc")
    for target in ("a.hpc", "t.png"):
        assert hpcm("thumbnail", "a.hpc", target).code == 4
    run = tmp_path / "run"
    run.mkdir()
    (run / "last.pt").write_bytes(b"checkpoint")
    Path("m.safetensors").symlink_to(run / "last.pt")
    assert hpcm("models", "export", run, "-o", "m.safetensors", "-f").code == 4
    assert (run / "last.pt").read_bytes() == b"checkpoint"
    calibrated = hpcm("models", "calibrate", "lite-8", "--data", "sub", "-o", "sub/c.jpg", "-f")
    assert calibrated.code == 4 and Path("sub/c.jpg").read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["encode", ""],
            ["encode", "a.png", "-o", ""],
            ["encode", "a.png", "--output="],
            ["decode", ""],
            ["info", ""],
        ),
        *(["verify", ""], ["thumbnail", "", "x"], ["models", "export", "", "-o", "x"], ["bench", "", "-o", "x"]),
        *(["archive", "", "x"], ["integrate", "--prefix", ""]),
    ],
)
def test_empty_arguments(hpcm: Hpcm, folder: Path, arguments: list[str]) -> None:
    before = sorted(folder.rglob("*"))
    result = hpcm(*arguments)
    assert result.code == 2 and "empty" in result.err and result.err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_permissions_and_times_of_the_source(hpcm: Hpcm) -> None:
    Path("a.png").chmod(0o600)
    os.utime("a.png", ns=(10**18, 10**18))
    hpcm("encode", "a.png")
    hpcm("decode", "a.hpc", "-o", "back.png")
    for name in ("a.hpc", "back.png"):
        status = Path(name).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o600, 10**18)
    hpcm("encode", "b.png")
    Path("b.hpc").chmod(0o600)
    hpcm("encode", "b.png", "-f")
    assert stat.S_IMODE(Path("b.hpc").stat().st_mode) == 0o600


def test_a_link_to_a_picture_that_is_no_input(hpcm: Hpcm) -> None:
    before = Path("b.png").read_bytes()
    for name in ("out.hpc", "link"):
        Path(name).symlink_to("b.png")
        result = hpcm("encode", "a.png", "-o", name, "-f")
        assert result.code == 4 and "is a link to" in result.err and Path("b.png").read_bytes() == before
    Path("real.hpc").write_bytes(b"old")
    Path("good.hpc").symlink_to("real.hpc")
    assert hpcm("encode", "a.png", "-o", "good.hpc", "-f").code == 0
    assert Path("good.hpc").is_symlink() and Path("real.hpc").read_bytes().startswith(MARK)


def test_an_empty_file_is_no_work(hpcm: Hpcm) -> None:
    Path("a.hpc").touch()
    assert hpcm("encode", "a.png").code == 4
    result = hpcm("encode", "a.png", "--skip-existing")
    assert result.code == 0 and "skipped" not in result.out and Path("a.hpc").read_bytes().startswith(MARK)
    assert "skipped" in hpcm("encode", "a.png", "--skip-existing").out


def test_a_link_to_nothing_is_not_written_through(hpcm: Hpcm) -> None:
    Path("a.hpc").symlink_to("victim")
    assert hpcm("encode", "a.png").code == 4
    assert not Path("victim").exists()


def test_a_report_does_not_replace_pictures(hpcm: Hpcm, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    Path("rep").mkdir()
    Path("rep/time.png").hardlink_to("a.png")
    result = hpcm("bench", "a.png", "-o", "rep", "--codecs", "jpeg")
    assert result.code == 4 and "rep" not in result.out and Path("a.png").read_bytes()[:4] == b"\x89PNG"
