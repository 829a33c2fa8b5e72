"""The lower layer of the container: numbers, chunks and running checksums (FORMAT.md sections 2 and 4).

    chunk: type 1 | LEB128 payload length | payload | CRC-32

Every CRC-32 runs on from the one before it, over all bytes of the file but the signature and the CRC fields. A chunk
can still be checked alone, because its start value is the CRC field in front of it, yet chunks cannot be dropped,
swapped or taken from another file unnoticed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from hpcmcodec.errors import CorruptError, TruncatedError, UnsupportedVersionError, UsageError

Buffer = bytes | memoryview

# Types in file order. Bit 7: a reader that does not know the type must refuse the file. Bit 6: the last chunk.
ICC, TILE_INDEX, LATENT, EXACT, EXIF, XMP, FLAT = 0x01, 0x02, 0x83, 0x84, 0x05, 0x06, 0x87
KNOWN = (ICC, TILE_INDEX, LATENT, EXACT, EXIF, XMP, FLAT)
CRITICAL, LAST, ORDER = 0x80, 0x40, 0x3F
MAX_LENGTH = 2**32 - 1


@dataclass(frozen=True)
class Chunk:
    """A typed piece of a file. The reader fills the later fields:

    head: the type and length bytes as they stand in the file.   seed: the running checksum before the chunk.
    crc: the chunk's checksum as stored, None if the file ends before it.
    """

    kind: int
    payload: Buffer
    head: bytes = b""
    seed: int = 0
    crc: int | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole chunk in a file."""
        return 1 + len(leb128(len(self.payload))) + len(self.payload) + 4

    @property
    def cut(self) -> bool:
        """Whether the file ends inside this chunk."""
        return self.crc is None

    def verify(self) -> None:
        """Raises CorruptError if the checksum does not fit, TruncatedError if there is none."""
        if self.crc is None:
            raise TruncatedError("the file ends inside a chunk; it was cut off")
        if zlib.crc32(self.payload, zlib.crc32(self.head, self.seed)) != self.crc:
            raise CorruptError(f"a chunk of type {self.kind:#04x} is damaged (checksum mismatch)")


def assemble(chunks: Sequence[Chunk], crc: int) -> bytes:
    """The bytes of all chunks of a file, the running checksum starting at `crc`."""
    parts: list[Buffer] = []
    for i, chunk in enumerate(chunks):
        head = bytes([chunk.kind | (LAST if i == len(chunks) - 1 else 0)]) + leb128(len(chunk.payload))
        crc = zlib.crc32(chunk.payload, zlib.crc32(head, crc))
        parts += [head, chunk.payload, struct.pack("<I", crc)]
    return b"".join(parts)


def read_chunk(view: memoryview, position: int, seed: int) -> tuple[Chunk, int, bool]:
    """The chunk at `position` -> chunk, position after it, whether it says that it is the last.

    The payload is a view and its checksum is not compared yet. A chunk that the file ends in has no `crc`. Raises
    TruncatedError if not even type and length are there, UnsupportedVersionError, CorruptError.
    """
    if position >= len(view):
        raise TruncatedError("the file ends before its last chunk; it was cut off")
    kind = view[position] & ~LAST
    if kind not in KNOWN:
        if kind & ORDER == 0 or kind ^ CRITICAL in KNOWN:
            raise CorruptError(f"chunk type {kind:#04x} does not exist")
        if kind & CRITICAL:
            raise UnsupportedVersionError(f"the file has a part of unknown type {kind:#04x}; update hpcmcodec")
    length, start = read_leb128(view, position + 1)
    end = start + length
    head = bytes(view[position:start])
    if end + 4 > len(view):
        return Chunk(kind, view[start:end], head, seed), len(view), False
    (crc,) = struct.unpack_from("<I", view, end)
    return Chunk(kind, view[start:end], head, seed, crc), end + 4, bool(view[position] & LAST)


def leb128(value: int) -> bytes:
    """Seven bits a byte, least significant first, high bit set on all but the last byte; no needless bytes."""
    if not 0 <= value <= MAX_LENGTH:
        raise UsageError(f"a length of {value} does not fit the format")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_leb128(view: memoryview, position: int) -> tuple[int, int]:
    """-> value, position after it. Raises TruncatedError at the end of `view`, CorruptError for needless bytes."""
    value = 0
    for shift in range(0, 35, 7):
        if position >= len(view):
            raise TruncatedError("the file ends inside a number; it was cut off")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > MAX_LENGTH or (byte == 0 and shift):
                break
            return value, position
    raise CorruptError("a number is too large or padded")
