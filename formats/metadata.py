"""ICC, EXIF and XMP blocks: which to keep, and the orientation in them set to normal once it has been applied."""

from __future__ import annotations

import re

from PIL import Image

from hpcmcodec.formats.exif import tags, upright

MAX_BYTES = 2**24
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:\s*=\s*["\']|>))[2-8]')
_EXIF_PREFIX = b"Exif\0\0"
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_RESOLUTION = (_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT)
# description, make, model, software, time, artist, copyright
_TIFF_TAGS = (270, 271, 272, *_RESOLUTION, 305, 306, 315, 33432)
_USUAL_DPI = (0, 1, 72, 96)  # what programs write that know of none
_IPTC_RESOURCE, _IPTC_TAG = 0x0404, 33723
_NO_TEXT = ("xml:com.adobe.xmp", "exif", "raw profile type exif", "raw profile type iptc", "raw profile type xmp")
_TIFF_FOLDERS = (0x8769, 0x8825)  # EXIF, GPS
_INTEROPERABILITY = 0xA005  # a directory below EXIF's, here no more than its place in the source


def icc_problem(icc: bytes, channels: int) -> str | None:
    """Why a profile cannot belong to a picture of 1 or 3 channels, or None."""
    if len(icc) < 132 or icc[36:40] != b"acsp" or int.from_bytes(icc[:4], "big") > len(icc):
        return "the ICC profile is damaged"
    space = icc[16:20].decode("latin-1").strip()
    if space != {1: "GRAY", 3: "RGB"}[channels]:
        return f"the ICC profile is for {space} pictures"
    return None


def exif_block(image: Image.Image) -> bytes | None:
    """The EXIF block of an opened picture, without prefix and with normal orientation; None if absent or damaged."""
    raw = image.info.get("exif")
    if raw is None and image.format == "TIFF":
        raw = _exif_of_tiff(image)
    elif raw is None and "Raw profile type exif" in image.info:
        raw = bytes.fromhex("".join(str(image.info["Raw profile type exif"]).split("\n")[3:]))
    if not isinstance(raw, bytes):
        return None
    while raw.startswith(_EXIF_PREFIX):  # Pillow's own, and one that some writers put before it
        raw = raw.removeprefix(_EXIF_PREFIX)
    return upright(raw) if raw[:4] in (b"II*\0", b"MM\0*") else None


def xmp_block(image: Image.Image) -> bytes | None:
    """The XMP packet of an opened picture with normal orientation, or None."""
    raw = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(raw, str):
        raw = raw.encode()
    if not isinstance(raw, bytes):
        return None
    return _XMP_ORIENTATION.sub(rb"\g<1>1", raw.rstrip(b"\0 ")) or None


def descriptive_tags(source: Image.Exif) -> Image.Exif:
    """Those tags of a directory that describe the picture and not the layout of its bytes, EXIF and GPS included."""
    chosen = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in source:
            chosen[tag] = source[tag]
    for folder in _TIFF_FOLDERS:
        values = {tag: value for tag, value in source.get_ifd(folder).items() if tag != _INTEROPERABILITY}
        if values:
            chosen[folder] = values
    return chosen


def has_iptc(image: Image.Image) -> bool:
    """Whether an opened picture has IPTC data."""
    photoshop = image.info.get("photoshop")
    if isinstance(photoshop, dict) and photoshop.get(_IPTC_RESOURCE):
        return True
    return _IPTC_TAG in getattr(image, "tag_v2", ()) or "Raw profile type iptc" in image.info


def left_out(image: Image.Image, exif: bytes | None) -> list[str]:
    """One sentence each for a resolution and for texts of an opened picture that `exif` does not hold."""
    notes = []
    dpi = image.info.get("dpi")
    if isinstance(dpi, tuple) and round(float(dpi[0])) not in _USUAL_DPI and _X_RESOLUTION not in tags(exif or b""):
        notes.append(f"the resolution of {float(dpi[0]):.4g} dots per inch was left out")
    texts = getattr(image, "text", None) if image.format == "PNG" else None
    names = [name for name in texts or () if name.lower() not in _NO_TEXT]
    if names:
        notes.append(f"texts were left out: {', '.join(sorted(names)[:5])}{', ...' if len(names) > 5 else ''}")
    if image.info.get("comment"):
        notes.append("a comment was left out")
    return notes


def _exif_of_tiff(image: Image.Image) -> bytes | None:
    chosen = descriptive_tags(image.getexif())
    return chosen.tobytes() if len(chosen) else None
