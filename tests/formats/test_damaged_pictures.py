"""Pictures that Pillow would show although a part of them is missing: refused, whatever the host process has set."""

from __future__ import annotations

import io
import logging
import struct
import time
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from hpcmcodec.errors import InputError
from hpcmcodec.formats.pictures import read_picture

NOISE = np.random.default_rng(4).integers(0, 256, (60, 70, 3)).astype(np.uint8)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def damaged_png() -> bytes:
    """A PNG file whose zlib stream is broken in the middle; all chunks have the right checksum."""
    data = bytearray(saved(Image.fromarray(NOISE), "PNG"))
    start = data.index(b"IDAT")
    (length,) = struct.unpack_from(">I", data, start - 4)
    middle = start + 4 + length // 2
    data[middle : middle + 64] = bytes(64)
    struct.pack_into(">I", data, start + 4 + length, zlib.crc32(data[start : start + 4 + length]))
    return bytes(data)


def test_a_png_that_breaks_off_is_no_picture_with_a_black_half() -> None:
    """Pillow reads the samples when it is asked for EXIF data, fails, and the next time gives what it has got."""
    with pytest.raises(InputError, match="damaged"):
        read_picture(damaged_png())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_cut_files_are_refused_unless_the_host_tells_pillow_to_show_them(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(Image.fromarray(NOISE), format)
    assert read_picture(data).warnings == ()
    with pytest.raises(InputError):
        read_picture(data[: len(data) // 2])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert "cut files" in read_picture(data).warnings[0]


def test_a_pixel_of_16_bits_has_no_samples_that_are_rounded() -> None:
    """BMP files of 5, 6 and 5 bits are exact in 8."""
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    data = b"BM" + struct.pack("<IHHI", 18 + len(header), 0, 0, 14 + len(header)) + header + b"\x00\xf8\x1f\x00"
    picture = read_picture(data)
    assert picture.pixels.tolist() == [[[255, 0, 0], [0, 0, 255]]] and picture.warnings == ()


def test_what_pillow_logs_is_left_to_those_who_listen(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python prints what is logged where nobody listens; here it would stand between our messages."""
    data = bytearray(saved(Image.fromarray(NOISE), "TIFF"))
    samples = data.index(struct.pack("<HHIH", 277, 3, 1, 3))
    data[samples + 8 : samples + 10] = b"\xff\xff"
    with pytest.raises(InputError):
        read_picture(bytes(data))
    assert "samples per pixel" in caplog.text
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pytest.raises(InputError):
        read_picture(bytes(data))
    assert capsys.readouterr().err == ""


def test_pages_are_not_counted() -> None:
    """A page of a TIFF file can be as short as its directory."""
    pages, places = 20000, (256, 257, 258, 259, 262, 273, 277, 278, 279)
    data = bytearray(struct.pack("<2sHI", b"II", 42, 8))
    for i in range(pages):
        data += struct.pack("<H", len(places))
        for tag in places:
            data += struct.pack("<HHII", tag, 3, 1, {258: 8, 273: 0}.get(tag, 1))
        data += struct.pack("<I", len(data) + 4 if i < pages - 1 else 0)
    start = time.process_time()
    assert "first frame" in read_picture(bytes(data)).warnings[0]
    assert time.process_time() - start < 1
