"""HEIC and JPEG XL through Pillow's plugins, where the extra `formats` is installed, and what these do not tell."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO

from PIL import Image

from hpcmcodec.errors import InputError
from hpcmcodec.formats.kinds import ADVICE

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_BARE, _BOXED = b"\xff\x0a", b"\0\0\0\x0cJXL "
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS, _DEPTHS = (9, 13, 18, 30), (8, 10, 12)
_MOST_BOXES, _HEAD_BYTES = 64, 64


@dataclass(frozen=True)
class JxlHead:
    """Size in pixels, before it is turned upright, and bits of a sample; None where the head does not tell simply."""

    width: int
    height: int
    depth: int | None


def open_extra(file: BinaryIO, prefix: bytes) -> Image.Image | None:
    """The image of a HEIC or JPEG XL file that begins with `prefix`, None for other files. JPEG XL is decoded here and
    now: see `jxl_head` before. Raises InputError where the plugin is not installed."""
    heif = prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIF_BRANDS
    if not heif and not is_jxl(prefix):
        return None
    module, kind = ("pillow_heif", "HEIC") if heif else ("pillow_jxl.JpegXLImagePlugin", "JPEG XL")
    try:
        plugin = import_module(module)
    except ImportError as error:
        raise InputError(f"{kind} files need a plugin: {ADVICE}") from error
    file.seek(0)
    factory: Any = plugin.HeifImageFile if heif else plugin.JXLImageFile
    image: Image.Image = factory(file, "")
    return image


def is_jxl(prefix: bytes) -> bool:
    """Whether a file that begins so is JPEG XL."""
    return prefix.startswith((_BARE, _BOXED))


def jxl_head(file: BinaryIO) -> JxlHead:
    """Read from a JPEG XL file before its plugin, which knows no limit, decodes it. Raises InputError."""
    file.seek(0)
    try:
        bits = _Bits(_codestream(file))
        height, width = _sides(bits)
        return JxlHead(width, height, _depth(bits))
    except IndexError:
        raise InputError("the head of the JPEG XL file is cut off") from None


def _codestream(file: BinaryIO) -> bytes:
    """The first bytes of the codestream behind its signature, out of its box if it has one."""
    start = file.read(2)
    if start != _BARE:
        file.seek(0)
        for _ in range(_MOST_BOXES):
            head = file.read(8)
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            large = size == 1
            if large:
                size = int.from_bytes(file.read(8), "big")
            if kind in (b"jxlc", b"jxlp"):
                file.read(4 if kind == b"jxlp" else 0)
                start = file.read(2)
                break
            if len(head) < 8 or size < 8:
                break
            file.seek(size - (16 if large else 8), 1)
    if start != _BARE:
        raise InputError("the JPEG XL file has no picture")
    return file.read(_HEAD_BYTES)


class _Bits:
    """Bits of a codestream, least significant first. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        value = 0
        for i in range(count):
            value |= (self._data[self._at >> 3] >> (self._at & 7) & 1) << i
            self._at += 1
        return value


def _sides(bits: _Bits) -> tuple[int, int]:
    """Height and width (SizeHeader of ISO/IEC 18181-1)."""
    small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.take(_SIDE_BITS[bits.take(2)]) + 1

    height = side()
    ratio = bits.take(3)
    width = height * _RATIOS[ratio][0] // _RATIOS[ratio][1] if ratio else side()
    return height, width


def _depth(bits: _Bits) -> int | None:
    """Bits of a sample (the beginning of ImageMetadata)."""
    if bits.take(1):  # all as usual
        return 8
    if bits.take(1):  # extra fields, of which an orientation is usual
        bits.take(3)
        if bits.take(1):
            _sides(bits)
        if bits.take(2):  # a preview or an animation
            return None
    if bits.take(1):  # floating point
        return 32
    choice = bits.take(2)
    return _DEPTHS[choice] if choice < 3 else bits.take(6) + 1
