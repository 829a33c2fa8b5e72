"""Samples of 16 bits in files of which Pillow keeps the high bytes: what it decodes with the other byte order are the
low ones. And PNM files of more than 8 bits, which it scales."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from hpcmcodec.formats.picture import Samples

_OTHER = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGBA;16B": "RGBA;16L", "RGBA;16L": "RGBA;16B"}
_NATIVE = {"RGB;16N": "RGB;16L", "RGBA;16N": "RGBA;16L"}
_PNM = re.compile(rb"P([56])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")


def low_bytes(image: Image.Image) -> Image.Image | None:
    """The low bytes of 16-bit colour, or of grey with alpha, that Pillow will cut, as an image of the same mode; None
    for other pictures. `image` is not loaded yet, and is read anew."""
    tiles = list(getattr(image, "tile", []) or [])
    if not isinstance(image, PngImagePlugin.PngImageFile | TiffImagePlugin.TiffImageFile) or not tiles:
        return None
    rawmode = _rawmode(tiles[0])
    if sys.byteorder == "little":
        rawmode = _NATIVE.get(rawmode, rawmode)
    grey = rawmode == "LA;16B" and isinstance(image, PngImagePlugin.PngImageFile)
    other = "RGBA" if grey else _OTHER.get(rawmode)
    if other is None:
        return None
    again = _opened_again(image)
    again.tile = [tile._replace(args=_with_rawmode(tile.args, other)) for tile in tiles]
    if grey:  # four bytes a pixel, taken as they are
        again._mode = "RGBA"
        again.load()
        _, grey_low, _, alpha_low = again.split()
        return Image.merge(image.mode, (*[grey_low] * (len(image.getbands()) - 1), alpha_low))
    again.load()
    return again


def _opened_again(image: Any) -> Any:
    place = image.fp.tell()
    try:
        image.fp.seek(0)
        again = type(image)(BytesIO(image.fp.read()))
    finally:
        image.fp.seek(place)
    if image.tell():
        again.seek(image.tell())
    return again


def _rawmode(tile: Any) -> str:
    args = tile.args
    return str(args if isinstance(args, str) else args[0] if args else "")


def _with_rawmode(args: Any, rawmode: str) -> Any:
    return rawmode if isinstance(args, str) else (rawmode, *args[1:])


def pnm(file: BinaryIO) -> tuple[Samples, int] | None:
    """Samples (H, W, 1 or 3) and their depth of a binary PNM file of more than 8 bits; None for others, and for what is
    damaged. Values that do not fill their bits are scaled to 16."""
    file.seek(0)
    head = _PNM.match(file.read(1 << 12))
    if head is None:
        return None
    kind, width, height, most = (int(number) for number in head.groups())
    channels = 1 if kind == 5 else 3
    if not 255 < most < 65536 or not 0 < width * height < 2**40:
        return None
    file.seek(head.end())
    data = file.read(2 * width * height * channels)
    if len(data) < 2 * width * height * channels:
        return None
    samples = np.minimum(np.frombuffer(data, ">u2").astype(np.uint16), most).reshape(height, width, channels)
    if most + 1 == 1 << most.bit_length():
        return samples, most.bit_length()
    return ((samples.astype(np.uint32) * 65535 + most // 2) // most).astype(np.uint16), 16
