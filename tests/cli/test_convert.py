"""`hpcm encode` and `hpcm decode` as users meet them: names, streams, failures, JSON, exit codes."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .storing import MARK, Hpcm

DESCRIPTION = 0x010E  # an EXIF tag
pytestmark = pytest.mark.usefixtures("storing")


def leftovers(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.startswith(".hpcm")]


def samples(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def description(path: Path) -> str | None:
    with Image.open(path) as image:
        return image.getexif().get(DESCRIPTION)


def test_there_and_back(hpcm: Hpcm, pictures: Path) -> None:
    coded = hpcm("encode", pictures / "a.png")
    assert (coded.code, coded.err) == (0, "")
    source, arrow, target, size, *_ = coded.out.split()
    assert [source, arrow, target, size] == [str(pictures / "a.png"), "->", str(pictures / "a.hpc"), "20x12"]
    assert " bpp  " in coded.out and coded.out.endswith(" s  larger than the source\n") and coded.out.count("\n") == 1

    decoded = hpcm("decode", pictures / "a.hpc", "-o", pictures / "back.tif")
    assert decoded.code == 0
    assert np.array_equal(samples(pictures / "back.tif"), samples(pictures / "a.png"))


def test_existing_files_are_kept_unless_forced(hpcm: Hpcm, pictures: Path) -> None:
    (pictures / "a.hpc").write_bytes(b"precious")
    refused = hpcm("encode", pictures / "a.png")
    assert refused.code == 4 and refused.out == ""
    assert refused.err == f"hpcm: {pictures}/a.hpc exists; use --force to replace it or --skip-existing to keep it\n"
    skipped = hpcm("encode", pictures / "a.png", "--skip-existing")
    assert skipped.code == 0 and "skipped" in skipped.out
    assert (pictures / "a.hpc").read_bytes() == b"precious"
    assert hpcm("encode", pictures / "a.png", "--force").code == 0
    assert (pictures / "a.hpc").read_bytes().startswith(MARK)


@pytest.mark.parametrize("jobs", [1, 3])
def test_folder(hpcm: Hpcm, pictures: Path, tmp_path: Path, jobs: int) -> None:
    archive = tmp_path / "archive"
    first = hpcm("encode", pictures, "-o", archive, "--jobs", jobs)
    assert first.code == 3
    assert sorted(str(path.relative_to(archive)) for path in archive.rglob("*.*")) == [
        "a.hpc",
        "b.hpc",
        "grey.hpc",
        "sub/c.hpc",
    ]
    assert first.err.startswith(f"hpcm: {pictures}/broken.png is not a picture") and first.err.count("\n") == 1
    assert first.out.splitlines()[-1].startswith("4 encoded, 1 failed, 1 left out (1 .txt): ")

    second = hpcm("encode", pictures, "-o", archive, "--skip-existing", "--json")
    summary = second.json[-1]
    assert (summary["kind"], summary["ok"], summary["skipped"], summary["failed"]) == ("summary", 0, 4, 1)
    back = hpcm("decode", archive, "-o", tmp_path / "back", "--format", "webp", "--jobs", jobs)
    assert back.code == 0 and (tmp_path / "back/sub/c.webp").is_file()
    assert not leftovers(tmp_path)


def test_json(hpcm: Hpcm, pictures: Path) -> None:
    result = hpcm("encode", pictures / "b.png", pictures / "nope.png", "--verify", "--json")
    assert result.code == 3
    good = next(line for line in result.json if line.get("status") == "ok")
    bad = next(line for line in result.json if line.get("status") == "failed")
    assert (good["width"], good["height"], good["verified"], good["psnr"]) == (7, 9, True, None)
    assert good["bytes_out"] == (pictures / "b.hpc").stat().st_size
    assert good["bits_per_pixel"] == 8 * good["bytes_out"] / 63
    assert bad["destination"] is None and bad["error"]["type"] == "InputError" and bad["error"]["exit_code"] == 3
    assert result.json[-1]["exit_code"] == 3


def test_verification_failure_leaves_no_file(hpcm: Hpcm, pictures: Path) -> None:
    result = hpcm("encode", pictures / "b.png", "-q", 5, "--verify")
    assert result.code == 12 and "alpha" in result.err
    assert not (pictures / "b.hpc").exists() and not leftovers(pictures)


def test_standard_streams(hpcm: Hpcm, pictures: Path) -> None:
    picture = (pictures / "a.png").read_bytes()
    coded = hpcm("encode", "-", stdin=picture)
    assert coded.code == 0 and coded.raw.startswith(MARK) and coded.err.startswith("- -> -  20x12")
    assert hpcm("encode", pictures / "a.png", "-o", "-").raw == coded.raw
    decoded = hpcm("decode", "-", "--format", "ppm", stdin=coded.raw)
    assert decoded.raw.startswith(b"P6")
    assert Image.open(io.BytesIO(hpcm("decode", "-", stdin=coded.raw).raw)).format == "PNG"


def test_binary_is_not_written_to_a_terminal(hpcm: Hpcm, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = hpcm("encode", pictures / "a.png", "-o", "-")
    assert result.code == 2 and "terminal" in result.err and result.raw == b""


def test_new_folder_by_trailing_slash(hpcm: Hpcm, pictures: Path, tmp_path: Path) -> None:
    assert hpcm("encode", pictures / "a.png", "-o", f"{tmp_path}/new/deep/").code == 0
    assert (tmp_path / "new/deep/a.hpc").is_file()


def test_metadata_and_strip(hpcm: Hpcm, pictures: Path) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = "a description"
    with Image.open(pictures / "a.png") as image:
        image.save(pictures / "tagged.png", exif=exif)
    assert hpcm("encode", pictures / "tagged.png", "--verify").code == 0
    assert hpcm("decode", pictures / "tagged.hpc", "-o", pictures / "kept.png").code == 0
    assert description(pictures / "kept.png") == "a description"
    assert hpcm("encode", pictures / "tagged.png", "--verify", "--strip", "-o", pictures / "bare.hpc").code == 0
    for name, options in (("tagged", ["--strip"]), ("bare", [])):
        assert hpcm("decode", pictures / f"{name}.hpc", "-o", pictures / f"{name}_out.png", *options).code == 0
        assert description(pictures / f"{name}_out.png") is None


def test_warnings_are_told(hpcm: Hpcm, pictures: Path) -> None:
    hpcm("encode", pictures / "b.png")
    result = hpcm("decode", pictures / "b.hpc", "-o", pictures / "b.jpg")
    assert result.code == 0 and "warning: " in result.err and "alpha" in result.err


def test_damaged_file(hpcm: Hpcm, pictures: Path) -> None:
    (pictures / "bad.hpc").write_bytes(b"nonsense")
    result = hpcm("decode", pictures / "bad.hpc")
    assert result.code == 12
    assert result.err == f"hpcm: {pictures}/bad.hpc: a chunk is damaged (checksum mismatch)\n"
    assert not (pictures / "bad.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["encode"], 2, "Missing argument"),
        (["encode", "a.png", "-q", "0"], 2, "--quality"),
        (["encode", "a.png", "--tune", "ms-ssim", "-m", "lite"], 2, "excludes --model"),
        (["encode", "a.png", "--tune", "ms-ssim", "-e", "3"], 2, "refines for PSNR"),
        (["encode", "a.png", "-m", "lite-msssim", "-e", "3"], 2, "refines for PSNR"),
        (["encode", "nope.png"], 3, "no such file"),
        (["encode", "a.png", "b.png", "-o", "c.hpc", "--force", "--skip-existing"], 2, "exclude each other"),
        (["encode", "a.png", "b.png", "-o", "-"], 2, "one output"),
        (["encode", "sub", "-o", "a.png"], 4, "a.png"),
        (["encode", "empty"], 3, "nothing to encode"),
        (["decode", "a.png", "-o", "x.xyz"], 2, "x.xyz"),
        (["decode", "a.png", "--format", "gif"], 2, "--format"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_errors_are_one_line(
    hpcm: Hpcm, pictures: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, text: str
) -> None:
    monkeypatch.chdir(pictures)
    (pictures / "empty").mkdir()
    result = hpcm(*arguments)
    assert result.code == code
    assert result.err.startswith("hpcm: ") and result.err.count("\n") == 1 and text in result.err
    assert "Traceback" not in result.err and result.out == ""


def test_quiet(hpcm: Hpcm, pictures: Path) -> None:
    result = hpcm("encode", pictures, "--quiet")
    assert result.out == "" and result.err.count("\n") == 2 and result.err.endswith("1 left out (1 .txt)\n")


def test_replaced_file_keeps_no_trace_of_a_failed_write(hpcm: Hpcm, pictures: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = hpcm("encode", pictures / "a.png", "-o", blocked / "a.hpc")
    assert result.code == 4 and blocked.read_text() == "in the way"


def test_debug_shows_the_traceback(hpcm: Hpcm, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCM_DEBUG", "1")
    assert "Traceback" in hpcm("encode", pictures / "a.png", "--force", "--skip-existing").err


def test_output_is_readable_as_usual(hpcm: Hpcm, pictures: Path) -> None:
    hpcm("encode", pictures / "a.png")
    assert stat.S_IMODE((pictures / "a.hpc").stat().st_mode) == stat.S_IMODE((pictures / "notes.txt").stat().st_mode)


@pytest.mark.parametrize("name", ["HPCM_SIMD", "HPCM_THREADS"])
def test_nonsense_in_the_environment_is_told(pictures: Path, name: str) -> None:
    command = [sys.executable, "-m", "hpcmcodec", "encode", str(pictures / "a.png")]
    result = subprocess.run(command, env=os.environ | {name: "sse9"}, capture_output=True, timeout=60)
    assert result.returncode == 2 and b"sse9" in result.stderr and result.stderr.count(b"\n") == 1


def test_json_lines_stay_apart_from_binary_output(hpcm: Hpcm, pictures: Path) -> None:
    result = hpcm("encode", pictures / "a.png", "-o", "-", "--json")
    assert result.raw.startswith(MARK)
    assert [json.loads(line)["kind"] for line in result.err.splitlines()] == ["file", "summary"]
