"""Pictures of more than 8 bits go in and out as they are; where a format or a step has 8 bits only, that is told."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec.cli.main import run
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.formats import tiff
from hpcmcodec.formats.depth import REDUCED, in_8_bits, scaled
from hpcmcodec.formats.pictures import Picture, encode_picture, picture_to_image, read_picture


def deep(channels: int, depth: int = 16, size: tuple[int, int] = (40, 50)) -> np.ndarray:
    y, x, c = np.mgrid[: size[0], : size[1], :channels]
    rng = np.random.default_rng(channels)
    wave = np.sin(x / 9 + c) + np.cos(y / 7) + 0.02 * rng.normal(size=x.shape)
    return np.clip((wave + 2.1) / 4.2 * (2**depth - 1), 0, 2**depth - 1).astype(np.uint16)


def picture(channels: int, depth: int = 16) -> Picture:
    planes = deep(channels, depth)
    alpha = np.ascontiguousarray(planes[..., -1]) if channels % 2 == 0 else None
    return Picture(np.ascontiguousarray(planes[..., : channels - 1 + channels % 2]), alpha, depth=depth)


def same(one: Picture, other: Picture) -> bool:
    alpha = one.alpha is other.alpha or np.array_equal(one.alpha, other.alpha)  # type: ignore[arg-type]
    return np.array_equal(one.pixels, other.pixels) and alpha and one.depth == other.depth


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_come_back(format: str, channels: int) -> None:
    given = picture(channels)
    data, lost = encode_picture(given, format)
    found = read_picture(data)
    if (format, channels) == ("tiff", 2):  # which few readers know: it is written in colour
        given = replace(given, pixels=given.pixels.repeat(3, 2))
    assert not lost and not found.warnings and same(found, given)


def test_another_reader_sees_the_same_png() -> None:
    """Pillow, which keeps the high bytes of colour and all of grey."""
    given = picture(3)
    shown = np.asarray(Image.open(BytesIO(encode_picture(given, "png")[0])))
    assert np.array_equal(shown, given.pixels >> 8)
    grey = picture(1)
    assert np.array_equal(np.asarray(Image.open(BytesIO(encode_picture(grey, "png")[0]))), grey.pixels[..., 0])


@pytest.mark.parametrize("depth", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_pnm_keeps_its_depth(depth: int, channels: int) -> None:
    given = picture(channels, depth)
    data, _ = encode_picture(given, "ppm")
    assert f"\n{2**depth - 1}\n".encode() in data
    found = read_picture(data)
    assert same(found, given) and not found.warnings


def test_pnm_of_odd_ranges_and_cut_ones() -> None:
    head = b"P5 # a comment\n3 1\n1000\n"
    found = read_picture(head + struct.pack(">3H", 0, 500, 1000))
    assert found.depth == 16 and found.pixels.ravel().tolist() == [0, 32768, 65535]
    with pytest.raises(hpcmcodec.errors.InputError):
        read_picture(head + b"\0\0")


@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate", "tiff_lzw"])
def test_tiff_of_other_writers(compression: str | None, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("tifffile")
    given = deep(3)
    imagecodecs.imwrite(tmp_path / "a.tif", given, photometric="rgb", compression=compression)
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, given)


def test_turned_and_transparent() -> None:
    """Low bytes are turned with the high ones; a transparent colour is compared in all 16 bits."""
    given = picture(3)
    exif = Image.Exif()
    exif[0x0112] = 6
    data, _ = encode_picture(replace(given, exif=exif.tobytes()[6:]), "png")
    assert np.array_equal(read_picture(data).pixels, np.rot90(given.pixels, -1))
    plain, _ = encode_picture(given, "png")
    key = given.pixels[3, 4]
    chunk = b"tRNS" + struct.pack(">3H", *key)
    place = plain.index(b"IDAT") - 4
    keyed = plain[:place] + struct.pack(">I", 6) + chunk + struct.pack(">I", zlib.crc32(chunk)) + plain[place:]
    found = read_picture(keyed)
    assert found.alpha is not None and found.alpha.dtype == np.uint16
    assert np.array_equal(found.alpha == 0, (given.pixels == key).all(2)) and found.alpha.max() == 65535


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_formats_of_8_bits_say_so(channels: int) -> None:
    data, lost = encode_picture(picture(channels), "webp")
    assert any(REDUCED in text for text in lost) and read_picture(data).depth == 8
    image = picture_to_image(picture(channels))
    assert image.mode == {1: "I;16", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]


def test_scaling_goes_there_and_back() -> None:
    for depth in (9, 10, 12, 15):
        values = np.arange(2**depth, dtype=np.uint16)
        wide = scaled(values, depth, 16)
        assert wide[-1] == 65535 and np.array_equal((wide.astype(np.uint32) * (2**depth - 1) + 32767) // 65535, values)
    assert in_8_bits(picture(3)).warnings == (REDUCED,)


def test_arrays_and_files() -> None:
    given = deep(3)
    data = hpcmcodec.encode(given, lossless=True)
    assert np.array_equal(Decoder().decode(data).pixels, given) and hpcmcodec.info(data).bit_depth == 16
    assert hpcmcodec.decode(data).mode == "RGB"


@pytest.mark.parametrize("depth", [10, 12, 16])
def test_learned_pictures_are_not_rounded_to_8_bits(depth: int) -> None:
    """A slow ramp, of which 8 bits would make steps."""
    x = np.linspace(0.4, 0.5, 256)
    ramp = np.rint(np.broadcast_to(x, (64, 256)) * (2**depth - 1)).astype(np.uint16)[..., None].repeat(3, 2)
    given = Picture(np.ascontiguousarray(ramp), depth=depth)
    data = Encoder("lite-8").encode(given, 90, exact_tiles=False)
    decoded = Decoder().decode(data)
    assert decoded.depth == depth and decoded.pixels.dtype == np.uint16
    assert len(np.unique(decoded.pixels)) > 2 * len(np.unique(scaled(given.pixels, depth, 8)))
    error = np.abs(decoded.pixels.astype(int) - given.pixels).mean() / 2**depth
    assert error < 1 / 256
    on_top = Encoder("lite-8").encode(given, 50, near_lossless=0)
    assert same(Decoder().decode(on_top), given)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, back = tmp_path / "a.png", tmp_path / "b.png"
    path.write_bytes(encode_picture(picture(3), "png")[0])
    assert run(["encode", str(path), "--lossless", "--verify"]) == 0
    assert run(["decode", str(tmp_path / "a.hpc"), "-o", str(back)]) == 0
    assert same(read_picture(back), picture(3)) and REDUCED not in capsys.readouterr().err
    assert run(["encode", str(path), "--bits", "8", "-f"]) == 0
    assert hpcmcodec.info(tmp_path / "a.hpc").bit_depth == 8
    assert same(Decoder().decode(encode_exactly(picture(4, 12))), picture(4, 12))


def test_tiff_writes_both_widths() -> None:
    for planes in (deep(3), deep(3).astype(np.uint8)):
        found = read_picture(tiff.encode(planes, {}, None, None))
        assert np.array_equal(found.pixels, planes)
