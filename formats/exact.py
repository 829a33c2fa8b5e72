"""Exact tiles as the container carries them (FORMAT.md section 5): part of a tile, check value, stream."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.errors import CorruptError, TruncatedError, UnsupportedVersionError
from hpcmcodec.formats.chunks import Buffer, Chunk, leb128, read_leb128
from hpcmcodec.formats.header import Header
from hpcmcodec.kernels.decode import ALPHA as ALPHA
from hpcmcodec.kernels.decode import COLOURS as COLOURS
from hpcmcodec.kernels.decode import ON_TOP as ON_TOP

_KINDS = (COLOURS, ALPHA, COLOURS | ALPHA, COLOURS | ON_TOP)
_HEAD = struct.Struct("<BI")


@dataclass(frozen=True)
class ExactPart:
    """The colours of a tile, its alpha, or both side by side, coded exactly; `what` says which, and whether the learned
    picture is needed below. check: CRC-32 of the samples."""

    tile: int
    what: int
    check: int
    stream: Buffer


def pack(header: Header, part: ExactPart) -> bytes:
    """The payload of an EXACT chunk."""
    number = leb128(part.tile) if header.exact_tile_size else b""
    return b"".join((number, _HEAD.pack(part.what, part.check), part.stream))


def parse(header: Header, chunk: Chunk) -> ExactPart:
    """Inverse of `pack`. Raises CorruptError, UnsupportedVersionError."""
    view = memoryview(chunk.payload)
    try:
        tile, place = read_leb128(view, 0) if header.exact_tile_size else (0, 0)
    except TruncatedError:
        raise CorruptError("an exact tile is damaged (no number)") from None
    if len(view) < place + _HEAD.size:
        raise CorruptError("an exact tile is too short")
    what, check = _HEAD.unpack_from(view, place)
    if what > 7:
        raise UnsupportedVersionError(f"an exact tile is of a newer kind ({what}); update hpcmcodec")
    unfit = (what & ALPHA and not header.alpha) or (what & ON_TOP and not header.learned)
    rows, columns = header.exact_grid
    if what not in _KINDS or unfit or tile >= rows * columns:
        raise CorruptError("an exact tile is out of place")
    return ExactPart(tile, what, check, view[place + _HEAD.size :])


def follows(part: ExactPart, before: ExactPart | None) -> bool:
    """Whether a part may come right behind another one: parts ascend by tile, alpha comes behind colours."""
    if before is None or part.tile > before.tile:
        return True
    return part.tile == before.tile and not before.what & ALPHA and part.what == ALPHA


def check_value(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> int:
    """CRC-32 of samples in memory order, 16-bit ones little-endian."""
    plain = samples if samples.dtype == np.uint8 else samples.astype("<u2")
    return zlib.crc32(np.ascontiguousarray(plain).data)
