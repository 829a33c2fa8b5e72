"""Files with exact tiles: what goes in comes out, whole and in regions; alone and on top of a learned picture."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.cli.main import run
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.codec.exact import SMALLER_SIDES
from hpcmcodec.formats import container
from hpcmcodec.formats.exact import ALPHA, COLOURS, ON_TOP
from hpcmcodec.formats.pictures import Picture

from .conftest import picture


def deep(height: int, width: int, channels: int, depth: int) -> np.ndarray:
    wide = picture(height, width, channels).astype(np.uint16) * 257
    return wide >> (16 - depth) if depth > 8 else picture(height, width, channels)


def source(channels: int, alpha: bool, depth: int, size: tuple[int, int] = (90, 150)) -> Picture:
    plane = deep(*size, 1, depth)[:, :, 0][::-1].copy() if alpha else None
    return Picture(deep(*size, channels, depth), plane, depth=depth, exif=b"II*\0")


def same(one: Picture, other: Picture) -> bool:
    alike = one.alpha is other.alpha or bool((one.alpha == other.alpha).all())  # type: ignore[union-attr]
    return bool((one.pixels == other.pixels).all()) and alike and one.depth == other.depth


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("tile_size", [None, 64])
def test_any_picture_returns(channels: int, alpha: bool, depth: int, tile_size: int | None) -> None:
    given = source(channels, alpha, depth)
    data = encode_exactly(given, tile_size=tile_size)
    decoder = Decoder()
    assert same(decoder.decode(data), given) and decoder.decode(data).exif == given.exif
    assert hpcmcodec.verify(data).ok and hpcmcodec.info(data).most_error == 0
    for x, y, width, height in ((0, 0, 1, 1), (60, 30, 70, 40), (149, 0, 1, 90)):
        part = decoder.decode(data, region=(x, y, width, height))
        plane = None if given.alpha is None else given.alpha[y : y + height, x : x + width]
        assert same(part, replace(given, pixels=given.pixels[y : y + height, x : x + width], alpha=plane))


def waves(side: int) -> Picture:
    """Smooth, over all values of 16 bits."""
    y, x = np.mgrid[0:side, 0:side] / side
    return Picture(np.rint(65535 * (0.5 + np.cos(2 * x) * np.sin(2 * y) / 2)).astype(np.uint16)[..., None], depth=16)


def test_smooth_pictures_of_16_bits_have_the_tiles_that_suit_them() -> None:
    given = waves(512)
    data = encode_exactly(given)
    assert same(Decoder().decode(data), given)
    sizes = {side: len(encode_exactly(given, tile_size=side)) for side in (0, *SMALLER_SIDES)}
    assert len(data) == min(sizes.values()) < 0.8 * sizes[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (7, 500), (500, 1), (9, 2)])
def test_narrow_pictures_of_16_bits_return(size: tuple[int, int]) -> None:
    given = Picture(np.ascontiguousarray(waves(500).pixels[: size[0], : size[1]]), depth=16)
    assert same(Decoder().decode(encode_exactly(given)), given)


def test_rough_pictures_of_16_bits_are_one_tile() -> None:
    given = source(3, False, 16)
    assert hpcmcodec.info(encode_exactly(given)).exact_tile_size == 0


def test_no_model_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hpcmcodec.models.store.folders", lambda: [tmp_path])
    pixels = picture(30, 40)
    data = hpcmcodec.encode(pixels, lossless=True)
    assert (np.asarray(hpcmcodec.decode(data)) == pixels).all() and hpcmcodec.verify(data).ok
    about = hpcmcodec.info(data)
    assert about.model is None and about.streams.keys() == {"exact"} and about.overhead < 40


@pytest.mark.parametrize("near", [1, 2, 7])
def test_errors_stay_within_what_was_asked(near: int) -> None:
    given = source(3, True, 8)
    exact, data = encode_exactly(given), encode_exactly(given, near)
    decoded = Decoder().decode(data)
    error = np.abs(decoded.pixels.astype(int) - given.pixels).max()
    assert 0 < error <= near and len(data) < len(exact)
    assert (decoded.alpha == given.alpha).all()  # which stays exact
    assert hpcmcodec.info(data).most_error == near


@pytest.mark.parametrize("near", [0, 2])
@pytest.mark.parametrize("alpha", [False, True])
def test_on_top_of_a_learned_picture(near: int, alpha: bool) -> None:
    """With the shipped model, whose picture is close to the source."""
    y, x = np.mgrid[:90, :150]
    noise = np.random.default_rng(1).normal(0, 5, (90, 150, 3))
    smooth = np.stack([128 + 60 * np.sin(x / 9 + c) + 40 * np.cos(y / 7) for c in range(3)], -1) + noise
    given = replace(source(3, alpha, 8), pixels=smooth.astype(np.uint8))
    data = Encoder("lite-8").encode(given, 60, near_lossless=near)
    decoder = Decoder()
    decoded = decoder.decode(data)
    assert np.abs(decoded.pixels.astype(int) - given.pixels).max() <= near
    assert not alpha or (decoded.alpha == given.alpha).all()
    parts = container.read(data).exact
    assert [part.what for part in parts] == [COLOURS | ON_TOP, ALPHA][: 1 + alpha]
    part = decoder.decode(data, region=(60, 30, 70, 40))
    assert (part.pixels == decoded.pixels[30:70, 60:130]).all()
    learned = decoder.decode(Encoder("lite-8").encode(replace(given, alpha=None), 60))
    start = data.index(bytes(parts[0].stream))
    early = decoder.decode(data[: start + 5], allow_truncated=True)
    assert (early.pixels == learned.pixels).all() and early.incomplete
    assert decoder.decode(data, scale=2).pixels.shape == (45, 75, 3)


def test_tiles_that_are_there_of_a_file_that_was_cut() -> None:
    given = source(3, True, 8)
    data = encode_exactly(given, tile_size=64)
    first = container.read(data).exact_chunks[0]
    end = data.index(bytes(first.payload)) + len(first.payload) + 4
    with pytest.raises(errors.TruncatedError):
        Decoder().decode(data[:end])
    part = Decoder().decode(data[: end + 9], allow_truncated=True)
    assert part.incomplete and "1 of 6 tiles" in part.warnings[0]
    assert (part.pixels[:64, :64] == given.pixels[:64, :64]).all() and not part.pixels[:, 64:].any()
    assert part.alpha is not None and (part.alpha[:, 64:] == 255).all()


def test_changed_samples_are_noticed() -> None:
    data = encode_exactly(source(3, False, 8), tile_size=64)
    file = container.read(data)
    parts = [replace(part, stream=bytes(part.stream)) for part in file.exact]
    parts[1] = replace(parts[1], check=parts[1].check ^ 1)
    forged, decoder = container.write(file.header, (), exact=parts), Decoder()
    with pytest.raises(errors.CorruptError, match="other pixels"):
        decoder.decode(forged)
    assert hpcmcodec.verify(forged).exit_code == 12
    assert decoder.decode(forged, region=(0, 0, 64, 64)).pixels.shape == (64, 64, 3)  # the others are sound


def test_large_tiles_and_little_memory_are_refused() -> None:
    data = encode_exactly(Picture(np.zeros((3000, 2000, 1), np.uint8)), tile_size=0)
    with pytest.raises(errors.LimitExceededError, match="sixteenth"):
        Decoder(limits=container.Limits(max_pixels=6_000_000)).decode(data)
    with pytest.raises(errors.LimitExceededError, match="max-memory"):
        Decoder(limits=container.Limits(max_memory=200 * 2**20)).decode(data)
    with pytest.raises(errors.LimitExceededError, match="max-memory"):
        hpcmcodec.Encoder(limits=container.Limits(max_memory=120 * 2**20)).encode(picture(9, 9), lossless=True)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_pillow_saves_the_very_picture(mode: str) -> None:
    pytest.importorskip("hpcmcodec.pillow_plugin")
    whole = Image.fromarray(picture(30, 40, 4), "RGBA")
    image = whole.convert("RGB").convert(mode) if mode == "P" else whole.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "HPC", lossless=True)
    opened = Image.open(buffer)
    shown = {"1": "L", "P": "RGB"}.get(mode, mode)
    assert opened.mode == shown and opened.tobytes() == image.convert(shown).tobytes()
    with pytest.raises(ValueError, match="exclude"):
        image.save(io.BytesIO(), "HPC", lossless=True, near_lossless=2)


@pytest.mark.parametrize(
    "wrong",
    [{"near_lossless": 256}, {"near_lossless": -1}, {"near_lossless": 1.5}, {"lossless": True, "near_lossless": 3}],
)
def test_wrong_numbers_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        hpcmcodec.encode(picture(5, 5), **wrong)  # type: ignore[arg-type]


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, coded, back = tmp_path / "a.png", tmp_path / "a.hpc", tmp_path / "b.png"
    Image.fromarray(picture(60, 80)).save(path)
    assert run(["encode", str(path), "--lossless", "--verify"]) == 0
    assert run(["decode", str(coded), "-o", str(back)]) == 0
    assert (np.asarray(Image.open(back)) == picture(60, 80)).all()
    capsys.readouterr()
    assert run(["info", str(coded)]) == 0
    printed = capsys.readouterr().out
    assert "lossless" in printed and "none is needed" in printed
    assert run(["encode", str(path), "--near-lossless", "2", "-f", "--verify"]) == 0
    assert run(["encode", str(path), "--lossless", "-q", "40", "-m", "lite-8", "-f", "--verify"]) == 0
    for wrong in (["--near-lossless", "2"], ["--target-size", "1k"], ["-m", "lite-8"], ["--tune", "ms-ssim"]):
        assert run(["encode", str(path), "--lossless", "-f", *wrong]) == errors.UsageError.exit_code
