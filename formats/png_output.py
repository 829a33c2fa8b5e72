"""PNG files of 16 bits, which Pillow does not write in colour."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.formats.png_input import SIGNATURE

_LEVEL = 6
_ROW_LIMIT = 1 << 24  # bytes that are compressed at a time
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def encode(
    planes: NDArray[np.uint16],
    icc: bytes | None,
    exif: bytes | None,
    xmp: bytes | None,
    cicp: tuple[int, int, int] | None = None,
) -> bytes:
    """planes: (H, W, 1 to 4). xmp: in UTF-8. cicp: as `Picture` has it."""
    height, width, channels = planes.shape
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0))]
    if cicp:
        chunks.append(_code_points(cicp))
    if icc:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if exif:
        chunks.append(_chunk(b"eXIf", exif))
    if xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    chunks.append(_chunk(b"IDAT", _packed(planes)))
    return SIGNATURE + b"".join([*chunks, _chunk(b"IEND", b"")])


def with_code_points(data: bytes, cicp: tuple[int, int, int]) -> bytes:
    """A PNG file with a cICP chunk."""
    head = len(SIGNATURE) + 25  # behind IHDR
    return data[:head] + _code_points(cicp) + data[head:]


def _code_points(cicp: tuple[int, int, int]) -> bytes:
    primaries, transfer, full = cicp
    return _chunk(b"cICP", bytes((primaries, transfer, 0, full)))


def _packed(planes: NDArray[np.uint16]) -> bytes:
    """Rows as differences to the upper one (filter 2)."""
    height = planes.shape[0]
    rows = planes.astype(">u2").reshape(height, -1).view(np.uint8)
    step = max(1, _ROW_LIMIT // rows.shape[1])
    packer, parts = zlib.compressobj(_LEVEL), []
    for top in range(0, height, step):
        own = rows[top : top + step]
        above = rows[top - 1 : top + len(own) - 1] if top else np.vstack((np.zeros_like(rows[:1]), own[:-1]))
        filtered = np.empty((len(own), rows.shape[1] + 1), np.uint8)
        filtered[:, 0] = 2
        np.subtract(own, above, out=filtered[:, 1:])
        parts.append(packer.compress(filtered.data))
    return b"".join([*parts, packer.flush()])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
