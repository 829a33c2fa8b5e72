"""Leaving metadata out: by kind, and never at the price of the colours."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from hpcmcodec.errors import UsageError
from hpcmcodec.formats import strip
from hpcmcodec.formats.picture import Picture
from hpcmcodec.formats.strip import kinds_of, stripped
from tests.codec.conftest import picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(space: bytes, gamma: float, columns: dict[bytes, tuple[float, float, float]]) -> bytes:
    """An ICC profile (version 2) of one gamma and, for RGB, of these columns of the matrix to XYZ (D50)."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    texts = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    white = b"XYZ " + bytes(4) + _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    tags = {b"desc": texts, b"wtpt": white}
    tags |= {name: b"XYZ " + bytes(4) + b"".join(map(_fixed, column)) for name, column in columns.items()}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC") if space == b"RGB " else (b"kTRC",), curve)
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


ADOBE = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
"""Adobe RGB (1998), whose gamma is 2.2."""
SRGB_COLUMNS = (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)
"""The same of sRGB, from IEC 61966-2-1."""


def test_kinds() -> None:
    assert kinds_of(True) == kinds_of("all") == kinds_of(("icc", "exif", "xmp")) == {"icc", "exif", "xmp"}
    assert kinds_of(False) == kinds_of(()) == frozenset()
    assert kinds_of("exif") == {"exif"}
    with pytest.raises(UsageError, match="gps"):
        kinds_of(("exif", "gps"))


@pytest.mark.parametrize("kind", strip.KINDS)
def test_one_kind_goes_and_the_others_stay(kind: str) -> None:
    source = Picture(picture(9, 8), icc=SRGB, exif=b"II*\0", xmp=b"<x/>")
    bare = stripped(source, kind)
    assert {name for name in strip.KINDS if getattr(bare, name) is None} == {kind}
    assert (bare.pixels == source.pixels).all() and bare.notes == bare.warnings == ()


def _srgb(linear: np.ndarray) -> np.ndarray:
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def test_adobe_rgb_keeps_its_colours() -> None:
    """Against the definitions of both spaces, by way of XYZ; the colours lie in both."""
    pixels = np.array([[[128, 128, 128], [200, 100, 100], [140, 160, 120], [255, 255, 255], [90, 90, 180]]], np.uint8)
    bare = stripped(Picture(pixels, icc=profile(b"RGB ", 563 / 256, ADOBE)), "icc")
    to_xyz, from_xyz = np.array([*ADOBE.values()]), np.linalg.inv(np.array([*SRGB_COLUMNS]))
    expected = _srgb((pixels / 255) ** (563 / 256) @ to_xyz @ from_xyz)
    assert np.abs(bare.pixels - expected).max() <= 1.5, bare.pixels
    assert np.abs(expected - pixels).max() > 15  # left as they were, they would look otherwise
    assert bare.icc is None and bare.notes == (strip.CONVERTED,) and bare.warnings == ()


def test_grey_with_another_gamma_keeps_its_tones() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    bare = stripped(Picture(ramp, alpha=ramp[:, :, 0], icc=profile(b"GRAY", 1.0, {})), True)
    assert bare.pixels.shape == ramp.shape and np.abs(bare.pixels - _srgb(ramp / 255)).max() <= 1.5
    assert bare.alpha is not None and (bare.alpha == ramp[:, :, 0]).all()


def test_a_profile_that_cannot_be_used_is_told() -> None:
    bare = stripped(Picture(picture(9, 8), icc=SRGB[:300] + bytes(200)), "icc")
    assert bare.icc is None and bare.warnings == (strip.UNUSABLE,)


def test_the_command_knows_the_same_kinds() -> None:
    from hpcmcodec.cli import options

    assert options.KINDS == strip.KINDS


def test_colours_of_a_file_look_the_same_through_pillow(tmp_path: Path) -> None:
    """What Pillow's own conversion makes of the whole picture."""
    source, icc = picture(24, 40), profile(b"RGB ", 1.8, ADOBE)
    Image.fromarray(source).save(tmp_path / "a.png", icc_profile=icc)
    with Image.open(tmp_path / "a.png") as image:
        converted = ImageCms.profileToProfile(
            image, ImageCms.getOpenProfile(BytesIO(icc)), ImageCms.createProfile("sRGB")
        )
    assert (stripped(Picture(source, icc=icc), "icc").pixels == np.asarray(converted)).all()


def test_more_than_eight_bits_keep_their_profile() -> None:
    deep = picture(9, 8).astype(np.uint16) * 257
    bare = stripped(Picture(deep, icc=profile(b"RGB ", 1.8, ADOBE), xmp=b"<x/>", depth=16), True)
    assert bare.icc and bare.xmp is None and bare.warnings == (strip.KEPT,) and (bare.pixels == deep).all()
