"""PNG files in: what Pillow passes over, or will not read, found by going through the chunks."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image

from hpcmcodec.formats.icc import SRGB, of_png

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 1 << 24  # bytes of a profile or a text
_PILLOW_TEXT = 1 << 20  # beyond which Pillow refuses the file
_CHUNKS = 100_000  # looked at
_SRGB = (1, 13, 1)  # code points


@dataclass(frozen=True)
class Extras:
    """What Pillow does not tell. icc: a profile that it would refuse. cicp: the four numbers of the chunk."""

    icc: bytes | None = None
    cicp: tuple[int, ...] | None = None
    large_text: bool = False


def extras(file: BinaryIO) -> tuple[BinaryIO, Extras]:
    """Of a seekable file: the file that Pillow can read, which is the same one but for PNG files with large profiles
    or texts, and what was found in it."""
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return file, Extras()
    icc, cicp, without, large = None, None, [], False
    for kind, start, length in _chunks(file):
        if kind == b"cICP" and length == 4:
            cicp = tuple(file.read(4))
        elif kind == b"iCCP" and length <= _MOST:
            data = _unpacked(_after(file.read(length), 1))
            if data is None or len(data) > _PILLOW_TEXT:
                icc = data or b"?"
                without.append((start, length))
        elif kind in (b"zTXt", b"iTXt", b"tEXt") and _too_large(file, kind, length):
            large = True
            without.append((start, length))
    if without:
        file = _cut(file, without)
    return file, Extras(icc, cicp, large)


@dataclass(frozen=True)
class Meaning:
    """What the colours mean. lost: what cannot be kept of it, one sentence. made: the profile is ours."""

    icc: bytes | None = None
    cicp: tuple[int, int, int] | None = None
    lost: str | None = None
    made: bool = False


def meaning(image: Image.Image, found: Extras, icc: bytes | None, channels: int) -> Meaning:
    """Of an opened PNG file whose profile is `icc`, None if it has none that can be used. As PNG orders them: code
    points, a profile, sRGB, gAMA and cHRM, the last two as a profile of what they say."""
    if found.cicp is not None:
        primaries, transfer, matrix, full = found.cicp
        if 0 in (primaries, transfer) or matrix != 0 or full > 1:
            return Meaning(icc, lost="the colour's code points (cICP {}, {}, {}, {}) cannot be".format(*found.cicp))
        points = primaries, transfer, full
        return Meaning(icc, None if points == _SRGB else points)
    if icc or "icc_profile" in image.info or "srgb" in image.info:
        return Meaning(icc)
    gamma, corners = image.info.get("gamma"), image.info.get("chromaticity")
    if isinstance(gamma, float) and abs(gamma - 1 / 2.2) <= 0.01:
        gamma = None  # which is how sRGB is said
    if corners and all(abs(a - b) <= 0.003 for a, b in zip(corners, SRGB, strict=False)):
        corners = None
    if gamma is None and (corners is None or channels == 1):
        return Meaning()
    made = of_png(gamma, corners, channels)
    lost = None if made else "what the file says of its gamma and primaries (gAMA, cHRM) cannot be"
    return Meaning(made, lost=lost, made=bool(made))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and length of every chunk, the file at its content."""
    place = len(SIGNATURE)
    for _ in range(_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, place, length
        place += 12 + length


def _too_large(file: BinaryIO, kind: bytes, length: int) -> bool:
    """Whether a text is one at which Pillow gives up the file."""
    if kind == b"tEXt" or length < 1024:
        return False
    content = file.read(min(length, _MOST))
    if kind == b"iTXt":
        rest = _after(content, 0)
        if rest[:1] != b"\1":
            return False
        packed = _after(_after(rest[2:], 0), 0)
    else:
        packed = _after(content, 1)
    data = _unpacked(packed, _PILLOW_TEXT + 1)
    return data is None or len(data) > _PILLOW_TEXT


def _after(content: bytes, skipped: int) -> bytes:
    """What comes behind a text that ends with zero and `skipped` more bytes."""
    return content.partition(b"\0")[2][skipped:]


def _unpacked(packed: bytes, most: int = _MOST) -> bytes | None:
    """None for more than `most` bytes; nothing for what is damaged, which Pillow sees for itself."""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, most)
    except zlib.error:
        return b""
    return None if inflater.unconsumed_tail else data


def _cut(file: BinaryIO, without: list[tuple[int, int]]) -> BinaryIO:
    file.seek(0)
    data = file.read()
    parts, place = [], 0
    for start, length in without:
        parts.append(data[place:start])
        place = start + 12 + length
    return BytesIO(b"".join([*parts, data[place:]]))
