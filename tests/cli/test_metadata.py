"""ICC, EXIF and XMP through an hpc file into every output format: kept where the format has a place, else told."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from hpcmcodec.formats.pictures import FORMATS
from tests.codec.conftest import picture

from .storing import Hpcm

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r xmlns:dc="d" dc:title="caf\xc3\xa9"/></x:xmpmeta>'
MAKE, ORIENTATION, EXPOSURE, GPS_LATITUDE = 0x010F, 0x0112, 0x829A, 0x0002
KEPT = {"png", "jpeg", "webp", "tiff"}


def exif() -> Image.Exif:
    """Tags of the picture, of the photograph and of the place, and a picture that lies on its side."""
    tags = Image.Exif()
    tags[MAKE], tags[ORIENTATION] = "a camera", 6
    tags.get_ifd(0x8769)[EXPOSURE] = 0.004
    tags.get_ifd(0x8825)[GPS_LATITUDE] = (52.0, 30.0, 1.5)
    return tags


def save(path: Path, format: str) -> None:
    """A picture with everything that a format of these four can carry."""
    image = Image.fromarray(picture(24, 40))
    options = {"exif": exif(), "icc_profile": ICC}
    if format == "png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = text
    elif format == "tiff":
        tags = options["exif"]
        tags[700] = XMP
        options["exif"] = tags.tobytes()  # as a block, since Pillow leaves the directories out otherwise
    else:
        options["xmp"] = XMP
    image.save(path, format.upper(), **options)


def found(image: Image.Image) -> dict[str, object]:
    """What an opened picture carries."""
    tags, xmp = image.getexif(), image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return {
        "icc": image.info.get("icc_profile"),
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
        "make": tags.get(MAKE),
        "orientation": tags.get(ORIENTATION, 1),
        "exposure": float(tags.get_ifd(0x8769).get(EXPOSURE, 0)),
        "latitude": tuple(map(float, tags.get_ifd(0x8825).get(GPS_LATITUDE, ()))),
    }


EVERYTHING = {
    "icc": ICC,
    "xmp": XMP,
    "make": "a camera",
    "orientation": 1,
    "exposure": pytest.approx(0.004),
    "latitude": (52.0, 30.0, 1.5),
}
NOTHING = {"icc": None, "xmp": None, "make": None, "orientation": 1, "exposure": 0.0, "latitude": ()}


@pytest.mark.parametrize("source", sorted(KEPT))
def test_metadata_goes_through_hpc_into_every_format(hpcm: Hpcm, tiny: Path, tmp_path: Path, source: str) -> None:
    photo, coded = tmp_path / f"photo.{source}", tmp_path / "photo.hpc"
    save(photo, source)
    with Image.open(photo) as image:
        assert found(image) == EVERYTHING | {"orientation": 6}
    assert hpcm("encode", photo, "-m", "tiny", "-o", coded, "--verify").code == 0
    shape = None
    for format, suffixes in FORMATS.items():
        back = tmp_path / f"back{suffixes[0]}"
        result = hpcm("decode", coded, "-o", back)
        assert result.code == 0
        with Image.open(back) as image:
            assert image.format == format.upper() and image.size == (24, 40)  # turned once
            assert found(image) == (EVERYTHING if format in KEPT else NOTHING), format
            if format != "jpeg":
                pixels = np.asarray(image.convert("RGB"))
                assert shape is None or np.array_equal(pixels, shape)
                shape = pixels
        told = [word for word in ("ICC", "EXIF", "XMP") if word in result.err]
        assert told == ([] if format in KEPT else ["ICC", "EXIF", "XMP"]), result.err
        again = tmp_path / f"again{suffixes[0]}"
        assert hpcm("decode", coded, "-o", again, "--strip").code == 0
        with Image.open(again) as image:
            assert found(image) == NOTHING


def test_strip_leaves_it_out_of_the_file(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    photo, coded = tmp_path / "photo.jpeg", tmp_path / "photo.hpc"
    save(photo, "jpeg")
    assert hpcm("encode", photo, "-m", "tiny", "-o", coded, "--strip").code == 0
    data = coded.read_bytes()
    assert not any(mark in data for mark in (b"acsp", b"a camera", b"xmpmeta", struct.pack("<I", 0x8769)))
    assert hpcm("decode", coded, "-o", tmp_path / "back.png").code == 0
    with Image.open(tmp_path / "back.png") as image:
        assert found(image) == NOTHING and image.size == (24, 40)


def test_kinds_are_left_out_one_by_one(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    photo, coded, back = tmp_path / "photo.jpeg", tmp_path / "photo.hpc", tmp_path / "back.png"
    save(photo, "jpeg")
    for word, gone in (("exif", ["make", "exposure", "latitude"]), ("xmp,icc", ["xmp", "icc"])):
        assert hpcm("encode", photo, "-f", "-m", "tiny", "-o", coded, "--strip", word, "--verify").code == 0
        assert hpcm("decode", coded, "-f", "-o", back).code == 0
        with Image.open(back) as image:
            assert found(image) == EVERYTHING | {name: NOTHING[name] for name in gone}


def test_strip_may_stand_alone(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    """In front of a picture, at the end, and as a name of a picture after --."""
    photo, coded, back = tmp_path / "photo.jpeg", tmp_path / "photo.hpc", tmp_path / "back.png"
    save(photo, "jpeg")
    for arguments in (["--strip", photo], [photo, "--strip"], ["--strip=all", photo], ["--strip", "--", photo]):
        assert hpcm("encode", "-f", "-m", "tiny", "-o", coded, *arguments).code == 0
        assert hpcm("decode", coded, "-f", "-o", back).code == 0
        with Image.open(back) as image:
            assert found(image) == NOTHING
    result = hpcm("encode", photo, "--strip=gps")
    assert result.code == 2 and "icc, exif, xmp" in result.err
