"""What stands inside the container's chunks: tiles of streams, and metadata (FORMAT.md sections 4.2 and 4.3)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from hpcmcodec.errors import CorruptError, LimitExceededError, TruncatedError, UsageError
from hpcmcodec.formats.chunks import Buffer, Chunk, leb128, read_leb128
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.limits import MAX_PIXELS as MAX_PIXELS
from hpcmcodec.formats.limits import Limits as Limits

_STORED, _DEFLATED = 0, 1  # how a piece of metadata is kept


@dataclass(frozen=True)
class Tile:
    """One entropy tile: its streams (hyper-latents first, then coarse to fine) and the check value of its latents.

    `complete` is False only for a tile that a truncated file ends in; then `streams` holds the whole ones.
    """

    streams: tuple[Buffer, ...]
    check: int
    complete: bool = True


def pack_tile(header: Header, index: int, tile: Tile) -> bytes:
    """The payload of a LATENT chunk. Raises UsageError if the tile has not the header's number of streams."""
    if len(tile.streams) != header.streams or not tile.complete:
        raise UsageError(f"a tile has {header.streams} streams here, not {len(tile.streams)}")
    number = leb128(index) if header.tile_size else b""
    lengths = b"".join(leb128(len(stream)) for stream in tile.streams[:-1])
    return b"".join((number, struct.pack("<I", tile.check), lengths, *tile.streams))


def parse_tile(header: Header, index: int, chunk: Chunk) -> Tile:
    """Splits a payload into streams; of a payload that was cut off, gives the streams that are whole."""
    view = memoryview(chunk.payload)
    try:
        check, lengths, position = _tile_head(header, index, view)
    except TruncatedError:
        if chunk.cut:
            return Tile((), 0, False)
        raise CorruptError("a tile is too short for its own head") from None
    streams: list[Buffer] = []
    for length in lengths:
        if position + length > len(view):
            if chunk.cut:
                return Tile(tuple(streams), check, False)
            raise CorruptError("a stream is longer than its tile")
        streams.append(view[position : position + length])
        position += length
    if chunk.cut:
        return Tile(tuple(streams), check, False)
    return Tile((*streams, view[position:]), check)


def _tile_head(header: Header, index: int, view: memoryview) -> tuple[int, list[int], int]:
    """-> check value, lengths of all streams but the last, position of the first stream."""
    number, position = read_leb128(view, 0) if header.tile_size else (index, 0)
    if number != index:
        raise CorruptError(f"tile {number} stands in the place of tile {index}")
    if position + 4 > len(view):
        raise TruncatedError("the file ends inside a tile; it was cut off")
    (check,) = struct.unpack_from("<I", view, position)
    position += 4
    lengths = []
    for _ in range(header.streams - 1):
        length, position = read_leb128(view, position)
        lengths.append(length)
    return check, lengths, position


def pack_metadata(data: bytes | None) -> bytes:
    """Method byte and the data, or method byte, LEB128 length and zlib stream where that is smaller."""
    if not data:
        return b""
    packed = bytes([_DEFLATED]) + leb128(len(data)) + zlib.compress(data, 9)
    return packed if len(packed) <= len(data) else bytes([_STORED]) + data


def unpack_metadata(payload: Buffer, limits: Limits) -> bytes:
    """Inverse of `pack_metadata`. Raises CorruptError, LimitExceededError."""
    view = memoryview(payload)
    if len(view) < 2 or view[0] not in (_STORED, _DEFLATED):
        raise CorruptError("metadata of unknown method")
    if view[0] == _STORED:
        return bytes(view[1:])
    try:
        size, start = read_leb128(view, 1)
        if size > limits.max_metadata:
            raise LimitExceededError(f"metadata of {size} bytes exceeds the limit of {limits.max_metadata}")
        inflate = zlib.decompressobj()
        data = inflate.decompress(view[start:], size + 1)
    except (zlib.error, TruncatedError) as error:
        raise CorruptError(f"metadata is damaged ({error})") from None
    if len(data) != size or not inflate.eof or inflate.unused_data:
        raise CorruptError("metadata has another size than it says")
    return data
