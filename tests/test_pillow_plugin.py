"""hpc files through Pillow's own calls: lazy open, load, save with metadata, and Pillow's errors for broken files."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, UnidentifiedImageError

import hpcmcodec
from tests.codec.conftest import models as models
from tests.codec.conftest import picture

ORIENTATION, DESCRIPTION = 0x0112, 0x010E
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><hello/></x:xmpmeta>'


@pytest.fixture(autouse=True)
def plugin(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plugin, registered for one test: the others see Pillow as it comes. Models are `tiny` and `other`."""
    monkeypatch.setenv("HPCM_MODELS", str(models))
    from hpcmcodec import pillow_plugin

    pillow_plugin.register()
    pillow_plugin._decoder.cache_clear()
    pillow_plugin._encoder.cache_clear()
    yield
    for registry in (Image.OPEN, Image.SAVE, Image.MIME):
        del registry["HPC"]
    del Image.EXTENSION[".hpc"]
    Image.ID.remove("HPC")


def photo(channels: int = 3) -> Image.Image:
    array = picture(40, 56, channels)
    return Image.fromarray(array[:, :, 0] if channels == 1 else array)


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "HPC", model="tiny", **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@cache  # it holds the time
def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pixels_are_those_of_decode(mode: str) -> None:
    data = saved(photo(4).convert(mode))
    image, expected = opened(data), hpcmcodec.decode(data)
    assert (image.mode, image.size) == (mode, (56, 40))
    assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_open_reads_the_header_and_decodes_at_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(photo(), quality=30)
    monkeypatch.setenv("HPCM_MODELS", "/nowhere")  # so that decoding would fail
    image = opened(data)
    assert (image.format, image.get_format_mimetype()) == ("HPC", "image/x-hpc")
    assert (image.info["quality"], image.info["model"]) == (30, "tiny")
    with pytest.raises(OSError, match="tiny"):
        image.load()


def test_a_path_is_known_by_its_suffix_and_its_file_is_closed_after_load(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.hpc", model="tiny")
    image = Image.open(tmp_path / "a.hpc")
    held = image.fp
    image.load()
    assert held.closed and image.fp is None
    image.putpixel((0, 0), (1, 2, 3))
    assert image.getpixel((0, 0)) == (1, 2, 3)
    assert image.load() is not None  # a second load changes nothing
    assert image.getpixel((0, 0)) == (1, 2, 3)


def test_the_usual_operations_work_on_a_lazy_image() -> None:
    data = saved(photo())
    whole = hpcmcodec.decode(data)
    assert opened(data).crop((3, 4, 20, 30)).tobytes() == whole.crop((3, 4, 20, 30)).tobytes()
    assert pickle.loads(pickle.dumps(opened(data))).tobytes() == whole.tobytes()
    assert opened(data).convert("L").tobytes() == whole.convert("L").tobytes()


def test_quality_is_that_of_the_codec() -> None:
    coarse, fine = saved(photo(), quality=1), saved(photo(), quality=100)
    assert len(coarse) < len(fine)
    assert fine == hpcmcodec.encode(photo(), 100, model="tiny")
    assert saved(photo()) == hpcmcodec.encode(photo(), model="tiny")
    for bad in (0, 101, "high"):
        with pytest.raises(ValueError):
            saved(photo(), quality=bad)


def test_metadata_go_through() -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = "a picture"
    image = opened(saved(photo(), exif=exif, icc_profile=profile(), xmp=XMP))
    assert image.getexif()[DESCRIPTION] == "a picture"
    assert image.info["icc_profile"] == profile() and image.info["xmp"] == XMP
    again = opened(saved(image, exif=image.info["exif"]))
    assert again.getexif()[DESCRIPTION] == "a picture"
    assert again.info["icc_profile"] == profile() and "xmp" not in again.info
    assert "icc_profile" not in opened(saved(image, icc_profile=None)).info
    copy = io.BytesIO()
    image.save(copy, "JPEG", exif=image.getexif())
    assert opened(copy.getvalue()).getexif()[DESCRIPTION] == "a picture"


def test_an_orientation_is_carried_out() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = opened(saved(photo(), exif=exif))
    assert image.size == (40, 56) and image.getexif()[ORIENTATION] == 1
    turned = photo().transpose(Image.Transpose.ROTATE_270)
    assert image.tobytes() == hpcmcodec.decode(hpcmcodec.encode(turned, model="tiny")).tobytes()
    assert opened(saved(photo())).size == (56, 40)


@pytest.mark.parametrize("mode", ["1", "P", "YCbCr", "RGBX"])
def test_modes_that_grey_or_rgb_can_hold(mode: str) -> None:
    assert opened(saved(photo().convert(mode))).mode == ("L" if mode == "1" else "RGB")


def test_a_transparent_colour_becomes_alpha() -> None:
    image = photo().quantize(8)
    image.info["transparency"] = 3
    assert opened(saved(image)).getchannel("A").tobytes() == image.convert("RGBA").getchannel("A").tobytes()


def test_modes_that_would_lose_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    for mode in ("CMYK", "F", "I", "HSV", "LAB"):
        with pytest.raises(OSError, match=f"cannot write mode {mode} as HPC"):
            Image.new(mode, (8, 8)).save(tmp_path / "a.hpc", model="tiny")
    with pytest.raises(OSError, match="nosuch"):
        photo().save(tmp_path / "a.hpc", model="nosuch")
    assert list(tmp_path.iterdir()) == []


def test_broken_files_raise_what_pillow_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(photo(4))
    for broken in (data[:4], data[:20], data[:4] + b"\x7f" + data[5:], data[:10] + b"\xff" + data[11:], b"no picture"):
        with pytest.raises(UnidentifiedImageError):
            opened(broken)
    cut, flipped = opened(data[:-10]), opened(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    for image in (cut, flipped):
        assert image.size == (56, 40)
        with pytest.raises(OSError, match="hpc file"):
            image.load()
        with pytest.raises(OSError, match="hpc file"):
            image.verify()
    opened(data).verify()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        opened(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with pytest.warns(Image.DecompressionBombWarning):
        opened(data)


def test_every_flipped_bit_raises_a_known_error() -> None:
    data = saved(photo())
    for position in range(0, len(data), 3):
        broken = bytearray(data)
        broken[position] ^= 1 << position % 8
        with pytest.raises(OSError):  # UnidentifiedImageError is one
            opened(bytes(broken)).load()


def test_importing_the_plugin_loads_neither_torch_nor_the_model_code() -> None:
    code = "import sys, hpcmcodec.pillow_plugin; sys.exit('torch' in sys.modules or 'hpcmcodec.codec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_what_cannot_be_done_is_refused_and_numbers_of_numpy_are_taken() -> None:
    with pytest.raises(ValueError, match="exclude"):
        saved(photo(), lossless=True, near_lossless=2)
    assert saved(photo(), quality=np.int64(50)) == saved(photo(), quality=None) == saved(photo())


def test_verify_after_load_claims_no_damage() -> None:
    image = opened(saved(photo()))
    image.load()
    image.verify()
