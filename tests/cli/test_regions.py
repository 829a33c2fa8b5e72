"""`hpcm decode --region`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.batch import EncodeJob
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.codec.refine import DEFAULT_EFFORT
from hpcmcodec.formats.pictures import read_picture
from hpcmcodec.ssimulacra2 import ssimulacra2
from tests.codec.conftest import picture

from .storing import Hpcm


def samples(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def coded(hpcm: Hpcm, pictures: Path, tiny: Path) -> Path:
    assert hpcm("encode", pictures / "b.png", "-m", "tiny", "--quiet").code == 0
    assert hpcm("decode", pictures / "b.hpc", "-o", pictures / "whole.png").code == 0
    return pictures / "b.hpc"


def test_a_rectangle_of_the_picture(hpcm: Hpcm, coded: Path, tmp_path: Path) -> None:
    done = hpcm("decode", coded, "--region", "2,1,4,7", "-o", tmp_path / "part.png")
    assert (done.code, done.err) == (0, "")
    whole = hpcm("info", coded, "--json").json[0]
    assert "4x7" in done.out and f"{whole['bits_per_pixel']:.3f} bpp" in done.out
    np.testing.assert_array_equal(samples(tmp_path / "part.png"), samples(coded.with_name("whole.png"))[1:8, 2:6])


def test_small_pictures(hpcm: Hpcm, coded: Path, tmp_path: Path) -> None:
    height, width = samples(coded.with_name("whole.png")).shape[:2]
    for options, scale in ((("--scale", "1/2"), 2), (("--preview",), 8)):
        done = hpcm("decode", coded, *options, "-o", tmp_path / f"{scale}.png")
        assert (done.code, done.err) == (0, "")
        assert samples(tmp_path / f"{scale}.png").shape[:2] == (-(-height // scale), -(-width // scale))
        assert f"{hpcm('info', coded, '--json').json[0]['bits_per_pixel']:.3f} bpp" in done.out
    assert hpcm("decode", coded, "--preview", "--scale", "1/2", "-o", tmp_path / "x.png").code == 2
    assert hpcm("decode", coded, "--scale", "1/3", "-o", tmp_path / "x.png").code == 2


@pytest.mark.parametrize("value", ["0,0,8,9", "-1,0,1,1", "1,1,0,1", "1,2,3", "1,2,3,x", "0,0,1.5,1"])
def test_rectangles_that_cannot_be(hpcm: Hpcm, coded: Path, tmp_path: Path, value: str) -> None:
    done = hpcm("decode", coded, "--region", value, "-o", tmp_path / "part.png")
    assert done.code == 2
    assert done.err.count("\n") == 1 and value in done.err
    assert not (tmp_path / "part.png").exists()


@pytest.mark.parametrize(("size", "code"), [("1M", 16), ("0", 2), ("3x", 2), ("900M", 0), ("2g", 0)])
def test_memory_limits(hpcm: Hpcm, coded: Path, tmp_path: Path, size: str, code: int) -> None:
    encode = ("encode", coded.with_suffix(".png"), "-o", tmp_path / "b.hpc", "-m", "tiny")
    for command in (encode, ("decode", coded, "-o", tmp_path / "b.png")):
        done = hpcm(*command, "--max-memory", size)
        assert done.code == code, done.err
        assert ("pixels takes about" in done.err and "limit of 1 MB" in done.err) == (code == 16)


def test_effort(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    source, plain, made = tmp_path / "s.png", tmp_path / "p.hpc", tmp_path / "e.hpc"
    Image.fromarray(picture(60, 70)).save(source)
    assert hpcm("encode", source, "-o", plain, "-m", "tiny").code == 0
    assert hpcm("encode", source, "-o", made, "-m", "tiny", "--effort", "3", "--verify").code == 0
    assert made.read_bytes() == Encoder("tiny").encode(read_picture(source), effort=3) != plain.read_bytes()
    assert plain.read_bytes() == Encoder("tiny").encode(read_picture(source))  # both have the same default
    assert EncodeJob().effort == DEFAULT_EFFORT
    assert hpcm("encode", source, "-o", made, "--effort", "10").code == 2


def test_effort_without_loss(hpcm: Hpcm, coded: Path, tmp_path: Path) -> None:
    source, made = coded.with_suffix(".png"), tmp_path / "e.hpc"
    assert hpcm("encode", source, "-o", made, "--lossless", "--effort", "3", "--verify").code == 0
    assert made.read_bytes() == encode_exactly(read_picture(source), effort=3)


def test_targets(hpcm: Hpcm, coded: Path, tmp_path: Path) -> None:
    source = coded.with_suffix(".png")
    size = coded.stat().st_size + 30
    done = hpcm("encode", source, "-o", tmp_path / "t.hpc", "-m", "tiny", "--target-size", str(size), "--json")
    assert done.code == 0, done.err
    assert 0.5 * size <= done.json[0]["bytes_out"] <= size  # a file of so few bytes changes in leaps
    both = hpcm("encode", source, "-o", tmp_path / "u.hpc", "-q", "40", "--target-psnr", "30")
    assert both.code == 2 and "exclude each other" in both.err
    small = hpcm("encode", source, "-o", tmp_path / "u.hpc", "-m", "tiny", "--target-size", "10")
    assert small.code == 0 and "cannot be met" in small.err  # the smallest one, never nothing
    assert (tmp_path / "u.hpc").stat().st_size < size


def test_fidelity(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    source, made = tmp_path / "s.png", tmp_path / "t.hpc"
    Image.fromarray(picture(60, 70)).save(source)
    done = hpcm("encode", source, "-o", made, "-m", "tiny", "--visually-lossless", "--verify")
    assert done.code == 0, done.err
    original = read_picture(source)
    assert (ssimulacra2(original.pixels, Decoder().decode(made.read_bytes()).pixels) or 0) >= 90
    best = made.stat().st_size
    lower = hpcm("encode", source, "-f", "-o", made, "-m", "tiny", "--target-ssimulacra2", "60", "--json")
    assert lower.code == 0 and lower.json[0]["bytes_out"] <= best
    for other in (("-q", "40"), ("--lossless",), ("--target-psnr", "30"), ("--target-ssimulacra2", "80")):
        both = hpcm("encode", source, "-o", tmp_path / "u.hpc", "--visually-lossless", *other)
        assert both.code == 2 and "--visually-lossless" in both.err
