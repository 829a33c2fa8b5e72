"""Every file of a batch is accounted for, and the odd one costs a failure and not the batch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .storing import Hpcm

pytestmark = pytest.mark.usefixtures("storing")
posix = pytest.mark.skipif(os.name == "nt", reason="names and files of POSIX")


@pytest.fixture(autouse=True)
def folder(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (pictures / "broken.png").unlink()
    monkeypatch.chdir(pictures.parent)
    return pictures


def test_kinds_that_are_not_read_are_counted(hpcm: Hpcm, folder: Path) -> None:
    for name in ("x.xyz", "y.xyz", "z.ABC", "plain", ".hidden.png", ".DS_Store", "._a.png", "old.hpc"):
        (folder / name).write_bytes(b"x")
    result = hpcm("encode", "shots", "-o", "out")
    assert result.code == 21
    closing = result.out.splitlines()[-1]
    assert closing.startswith("4 encoded, 9 left out (2 hidden, 2 .xyz, ")
    for kind in ("1 .abc", "1 .txt", "1 no suffix", "1 hidden .png", "1 .hpc"):
        assert kind in closing
    assert hpcm("encode", "shots", "-o", "out", "-f", "--ignore-unknown").code == 0
    lines = hpcm("encode", "shots", "-o", "out", "-f", "--json").json
    left = {line["source"] for line in lines if line.get("status") == "left_out"}
    assert len(left) == 9 and str(Path("shots/x.xyz")) in left
    assert lines[-1]["left_out"] == 9 and lines[-1]["left_out_kinds"][".xyz"] == 2 and lines[-1]["exit_code"] == 21
    assert "shots/x.xyz: left out, .xyz" in hpcm("encode", "shots", "-o", "out", "-f", "-v").out


def test_what_nobody_misses_has_no_code(hpcm: Hpcm, folder: Path) -> None:
    (folder / "notes.txt").unlink()
    (folder / ".DS_Store").write_bytes(b"x")
    first = hpcm("encode", "shots")
    assert (first.code, first.out.splitlines()[-1].split(":")[0]) == (0, "4 encoded, 1 left out (1 hidden)")
    again = hpcm("encode", *sorted(folder.glob("[a-z]*")), "--skip-existing")  # as a shell's * does
    assert again.code == 0 and "4 .hpc" in again.out
    verified = hpcm("decode", "shots", "-o", "back")
    assert verified.code == 0 and "3 .png" in verified.out


def test_failures_come_first(hpcm: Hpcm, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no")
    assert hpcm("encode", "shots", "-o", "out").code == 3


def test_only_files_of_ours_named(hpcm: Hpcm, folder: Path) -> None:
    (folder / "a.hpc").write_bytes(b"x")
    result = hpcm("encode", "shots/a.hpc")
    assert result.code == 3 and "nothing to encode" in result.err and "1 .hpc" in result.err


@posix
def test_pipes_sockets_and_links(hpcm: Hpcm, folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    (folder / "other").symlink_to("sub", target_is_directory=True)
    (folder / "gone.png").symlink_to("nothing")
    result = hpcm("encode", "shots", "-o", "out")
    assert result.code == 3 and "gone.png: a link to nothing" in result.err
    assert "1 pipe" in result.out and "1 link to a folder" in result.out and "4 encoded" in result.out
    named = hpcm("encode", "shots/a.png", "shots/pipe.png", "shots/b.png", "-o", "named")
    assert named.code == 21 and "2 encoded, 1 left out (1 pipe)" in named.out


@posix
def test_names_that_are_no_text(folder: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"b\xe9\x1b[31m\n.png")
    shutil.copy(folder / "a.png", folder / odd)
    command = [sys.executable, "-m", "hpcmcodec", "encode", "shots", "-o", "out"]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict", "LC_ALL": "C.UTF-8"}
    result = subprocess.run(command, env=environment, capture_output=True, timeout=120, cwd=tmp_path)
    assert result.returncode == 21, result.stderr
    assert rb"shots/b\xe9\x1b[31m\n.png -> " in result.stdout and b"\x1b" not in result.stdout
    assert len(list((tmp_path / "out").iterdir())) == 5


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root searches every folder")
def test_a_closed_folder(hpcm: Hpcm, folder: Path) -> None:
    (folder / "sub").chmod(0)
    try:
        result = hpcm("encode", "shots/a.png", "shots/sub/c.jpg", "-o", "out")
        assert result.code == 3 and "c.jpg: Permission denied" in result.err and Path("out/a.hpc").exists()
    finally:
        (folder / "sub").chmod(0o700)


def test_files_that_grow(hpcm: Hpcm, folder: Path) -> None:
    grown = hpcm("encode", "shots", "-o", "out")
    assert "4 larger than the source (--keep-smaller" in grown.out
    kept = hpcm("encode", "shots", "-o", "other", "--keep-smaller", "--json")
    assert (kept.json[-1]["ok"], kept.json[-1]["skipped"], kept.json[-1]["larger"]) == (0, 4, 0)
    assert all(line["reason"] == "the hpc file would be larger" for line in kept.json[:4])
    assert not Path("other").exists()


def test_verify_counts_strangers(hpcm: Hpcm, folder: Path) -> None:
    hpcm("encode", "shots", "-o", "out")
    Path("out/readme.txt").write_text("x")
    told = hpcm("verify", "out")
    assert "1 left out (1 .txt)" in told.err


def test_two_of_one_name(hpcm: Hpcm, folder: Path) -> None:
    shutil.copy(folder / "sub/c.jpg", folder / "a.jpg")
    refused = hpcm("encode", "shots/a.jpg", "shots/a.png")
    assert refused.code == 4 and "--keep-suffix" in refused.err
    kept = hpcm("encode", "shots/a.jpg", "shots/a.png", "--keep-suffix")
    assert kept.code == 0 and (folder / "a.jpg.hpc").exists() and (folder / "a.png.hpc").exists()


def test_names_that_differ_in_case_only(hpcm: Hpcm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(folder / "a.png", folder / "A.png")
    if len(list(folder.glob("[aA].png"))) == 1:
        pytest.skip("this file system ignores case")
    assert hpcm("encode", "shots/a.png", "shots/A.png", "-o", "out").code == 0
    monkeypatch.setattr(sys.modules["hpcmcodec.batch.plan"], "ignores_case", lambda path: True)
    result = hpcm("encode", "shots/a.png", "shots/A.png", "-o", "other")
    assert result.code == 4 and result.err.count("would come from") == 2


def test_links_to_one_file_are_files_of_their_own(hpcm: Hpcm, storing: None, pictures: Path) -> None:
    """Found by the fuzzer: two links to one text, or to nothing, counted as one file."""
    for name in ("one.txt", "two.txt"):
        (pictures / name).symlink_to("notes.txt")
    for name in ("one.png", "two.png"):
        (pictures / name).symlink_to("nothing.png")
    result = hpcm("encode", pictures, "-o", pictures.parent / "out", "-q", 50)
    assert "3 .txt" in result.out and "2 failed" in result.out
    assert "one.png: a link to nothing" in result.err and "two.png: a link to nothing" in result.err


def test_raw_files_are_left_out_where_they_are_named(hpcm: Hpcm, storing: None, pictures: Path) -> None:
    raw = pictures / "IMG_1.CR2"
    raw.write_bytes((pictures / "a.png").read_bytes())
    result = hpcm("encode", pictures / "a.png", raw, "-o", pictures.parent / "out", "-q", 50)
    assert result.code == 21 and "1 left out (1 .cr2)" in result.out
