"""HEIC and JPEG XL through Pillow's plugins: right, upright, and refused before anything is decoded."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.errors import InputError, LimitExceededError
from hpcmcodec.formats import colour, kinds
from hpcmcodec.formats.pictures import read_picture
from hpcmcodec.formats.plugins import JxlHead, jxl_head
from tests.codec.conftest import picture

heif = pytest.importorskip("pillow_heif")
pytest.importorskip("pillow_jxl")
imagecodecs = pytest.importorskip("imagecodecs")

ORIENTATION = 0x112


def jxl(pixels: np.ndarray) -> bytes:
    """Without loss."""
    return bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))


def heic(pixels: np.ndarray, orientation: int = 1) -> bytes:
    buffer, tags = io.BytesIO(), Image.Exif()
    tags[ORIENTATION] = orientation
    heif.from_pillow(Image.fromarray(pixels)).save(buffer, quality=95, exif=tags.tobytes())
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_xl_comes_in_exactly(channels: int) -> None:
    pixels = picture(48, 64, channels)
    read = read_picture(jxl(pixels[:, :, 0].copy() if channels == 1 else pixels))
    assert (read.pixels == pixels).all() and read.warnings == () and read.alpha is None


def test_jpeg_xl_with_alpha() -> None:
    pixels = picture(20, 24, 4)
    read = read_picture(jxl(pixels))
    assert read.alpha is not None and (read.alpha == pixels[:, :, 3]).all()


def test_sixteen_bits_are_told() -> None:
    deep = picture(20, 24).astype(np.uint16) * 257
    read = read_picture(jxl(deep))
    assert colour.REDUCED in read.warnings and np.abs(read.pixels - picture(20, 24).astype(int)).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 255), (256, 256), (384, 512), (360, 640), (999, 777), (2000, 3000)])
def test_the_head_of_jpeg_xl(size: tuple[int, int]) -> None:
    head = jxl_head(io.BytesIO(jxl(np.zeros((*size, 3), np.uint8))))
    assert head == JxlHead(size[1], size[0], 8)


def test_jpeg_xl_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpcmcodec.formats.plugins.open_extra", lambda *_: pytest.fail("decoded"))
    data = jxl(np.zeros((200, 200, 3), np.uint8))
    with pytest.raises(LimitExceededError):
        read_picture(data, max_pixels=10_000)

    def admit(height: int, width: int) -> None:
        raise LimitExceededError(f"{height} x {width}")

    with pytest.raises(LimitExceededError, match="200 x 200"):
        read_picture(data, admit=admit)


def test_heic_is_turned_once() -> None:
    pixels = picture(48, 64)
    for orientation, turned in ((1, pixels), (6, np.rot90(pixels, 3)), (3, np.rot90(pixels, 2))):
        read = read_picture(heic(pixels, orientation))
        assert read.pixels.shape == turned.shape
        assert np.abs(read.pixels.astype(int) - turned).mean() < 6, orientation


@pytest.mark.parametrize("make", [heic, jxl])
def test_damaged_files_are_one_error(make: object) -> None:
    data = make(picture(48, 64))  # type: ignore[operator]
    generator = np.random.default_rng(1)
    for _ in range(60):
        cut = bytearray(data[: int(generator.integers(12, len(data)))])
        cut[int(generator.integers(12, len(cut))) if len(cut) > 12 else 0] ^= 0x55
        try:
            read_picture(bytes(cut), max_pixels=1 << 20)
        except (InputError, LimitExceededError) as error:
            assert "\n" not in str(error)


def test_without_the_plugin_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setitem(sys.modules, "pillow_jxl.JpegXLImagePlugin", None)
    pixels = picture(9, 8)
    for data in (jxl(pixels), heic(picture(48, 64)) if heif else b""):
        with pytest.raises(InputError, match=r"hpcmcodec\[formats\]"):
            read_picture(data)


def test_kinds_go_by_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kinds.readable() == kinds.OWN | kinds.EXTRA
    monkeypatch.setattr(kinds, "find_spec", lambda name: None)
    assert kinds.readable() == kinds.OWN
    assert not kinds.RAW & (kinds.OWN | kinds.EXTRA)


def test_raw_files_are_refused_by_name(tmp_path: Path) -> None:
    """Their first picture is a thumbnail, which Pillow would take for the photograph."""
    path = tmp_path / "IMG_1.NEF"
    Image.fromarray(picture(9, 8)).save(path, "TIFF")
    with pytest.raises(InputError, match=r"IMG_1\.NEF: raw files"):
        read_picture(path)
