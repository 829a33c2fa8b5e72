"""The hpc container, version 1 (FORMAT.md sections 2 to 4).

    signature 4 | version 1 | LEB128 header length | header | CRC-32 | chunk ... chunk

Reading checks the structure at once and each checksum when its chunk is used or passed over; payloads stay views of the
input.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.errors import (
    CorruptError,
    HpcmError,
    LimitExceededError,
    NotHpcError,
    TruncatedError,
    UnsupportedVersionError,
    UsageError,
)
from hpcmcodec.formats import exact as _exact
from hpcmcodec.formats import header as _header
from hpcmcodec.formats.chunks import (
    EXACT,
    EXIF,
    FLAT,
    ICC,
    KNOWN,
    LATENT,
    ORDER,
    TILE_INDEX,
    XMP,
    Buffer,
    Chunk,
    assemble,
    leb128,
    read_chunk,
    read_leb128,
)
from hpcmcodec.formats.exact import ExactPart
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.limits import SIGNATURE
from hpcmcodec.formats.payloads import Limits, Tile, pack_metadata, pack_tile, parse_tile, unpack_metadata
from hpcmcodec.kernels.decode import exif_problem

VERSION = 1
_MAX_UNKNOWN_CHUNKS = 64
_MAX_TILES = 2**18
"""Tiles that are read: of the smallest, what the greatest picture within the usual limits has."""


def latent_check(latents: NDArray[np.float32]) -> int:
    """Check value of decoded latents: CRC-32 of the float32 array in C order, little-endian bytes."""
    return zlib.crc32(np.ascontiguousarray(latents, "<f4").data.cast("B"))


def write(
    header: Header,
    tiles: Sequence[Tile],
    *,
    exact: Sequence[ExactPart] = (),
    icc: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    flats: bytes | None = None,
    extra: Sequence[Chunk] = (),
) -> bytes:
    """The bytes of a file.

    tiles: in raster order, as many as the header's grid has.   exact: parts of exact tiles in order; without a model
    there are those of all tiles, and so there are with alpha.   exif: TIFF structure
    without prefix.   flats: from `flats.pack`, with a model only.   extra: chunks of
    unknown optional types, as `Container.extra` gave them.
    Raises UsageError for contents that no file can hold.
    """
    problem = exif_problem(exif) if exif else None
    if problem:
        raise UsageError(problem)
    if len(tiles) != header.tiles:
        raise UsageError(f"{len(tiles)} tiles given, the header's grid has {header.tiles}")
    _check_parts(header, exact, UsageError)
    if any(chunk.kind in KNOWN or chunk.kind & ~ORDER for chunk in extra):
        raise UsageError("an extra chunk must have an unknown optional type")
    latents = [Chunk(LATENT, pack_tile(header, i, tile)) for i, tile in enumerate(tiles)]
    latents += [Chunk(EXACT, _exact.pack(header, part)) for part in exact]
    index = b"".join(leb128(chunk.size) for chunk in latents) if header.tile_size or header.exact_tile_size else b""
    before = [(ICC, pack_metadata(icc)), (TILE_INDEX, index)]
    after = [(EXIF, pack_metadata(exif)), (XMP, pack_metadata(xmp)), (FLAT, flats)]
    chunks = [Chunk(kind, payload) for kind, payload in before if payload]
    chunks += latents
    chunks += [Chunk(kind, payload) for kind, payload in after if payload]
    packed = _header.pack(header)
    head = bytes([VERSION]) + leb128(len(packed)) + packed
    crc = zlib.crc32(head)
    return SIGNATURE + head + struct.pack("<I", crc) + assemble([*chunks, *extra], crc)


@dataclass(frozen=True)
class Container:
    """A file that was read. `truncated`: its end is missing. `size`: bytes of the file."""

    header: Header
    latents: tuple[Chunk, ...]
    exact_chunks: tuple[Chunk, ...]
    others: tuple[Chunk, ...]
    size: int
    truncated: bool
    limits: Limits = field(default_factory=Limits)

    @property
    def tiles_present(self) -> int:
        """Tiles of which at least the beginning is in the file; less than `header.tiles` only if truncated."""
        return len(self.latents)

    def tile(self, index: int) -> Tile:
        """Tile `index` in raster order, checksum compared. Raises CorruptError, TruncatedError."""
        if not 0 <= index < self.header.tiles:
            raise UsageError(f"there is no tile {index}")
        if index >= len(self.latents):
            raise TruncatedError(f"the file ends before tile {index}")
        chunk = self.latents[index]
        if not chunk.cut:
            chunk.verify()
        return parse_tile(self.header, index, chunk)

    @property
    def exact(self) -> tuple[ExactPart, ...]:
        """The whole parts of exact tiles, checksums compared. Raises CorruptError."""
        for chunk in self.exact_chunks:
            chunk.verify()
        return tuple(_exact.parse(self.header, chunk) for chunk in self.exact_chunks)

    @property
    def flats(self) -> Buffer | None:
        """Payload of the flat blocks (see flats.py), or None."""
        return self._verified(FLAT)

    @property
    def icc(self) -> bytes | None:
        """The ICC profile, or None."""
        return self._metadata(ICC)

    @property
    def exif(self) -> bytes | None:
        """The EXIF block (TIFF structure without prefix, orientation 1 or absent), or None."""
        block = self._metadata(EXIF)
        problem = None if block is None else exif_problem(block)
        if problem:
            raise CorruptError(problem)
        return block

    @property
    def xmp(self) -> bytes | None:
        """The XMP packet, or None."""
        return self._metadata(XMP)

    @property
    def extra(self) -> tuple[Chunk, ...]:
        """Chunks of optional types that this version does not know."""
        return tuple(chunk for chunk in self.others if chunk.kind not in KNOWN)

    @property
    def overhead(self) -> int:
        """Bytes of the file that are not entropy-coded streams."""
        learned = sum(len(s) for i in range(self.tiles_present) for s in self.tile(i).streams)
        return self.size - learned - sum(len(part.stream) for part in self.exact)

    def verify(self) -> None:
        """Checks everything that needs no model: all checksums and the structure inside the chunks."""
        for chunk in (*self.latents, *self.exact_chunks, *self.others):
            chunk.verify()
        for index in range(self.tiles_present):
            self.tile(index)
        for kind in (ICC, XMP):
            self._metadata(kind)
        self.exif  # noqa: B018  which looks into it
        if self.truncated:
            raise TruncatedError("the file ends before its last chunk; it was cut off")

    def _verified(self, kind: int) -> Buffer | None:
        """Payload of the chunk of this type; None if it is absent or cut off (then `truncated` is set)."""
        chunk = next((chunk for chunk in self.others if chunk.kind == kind), None)
        if chunk is None or chunk.cut:
            return None
        chunk.verify()
        return chunk.payload

    def _metadata(self, kind: int) -> bytes | None:
        payload = self._verified(kind)
        return None if payload is None else unpack_metadata(payload, self.limits)


def read(data: Buffer | bytearray, limits: Limits | None = None, allow_truncated: bool = False) -> Container:
    """The structure of a file in memory.

    `allow_truncated` accepts a file whose end is missing, as long as its header is whole. Raises NotHpcError,
    TruncatedError, CorruptError, UnsupportedVersionError, LimitExceededError.
    """
    limits = limits or Limits()
    view = memoryview(data).cast("B").toreadonly()
    header, position, crc = _read_header(view)
    limits.check_picture(header.width, header.height)
    latents: list[Chunk] = []
    exact: list[Chunk] = []
    others: list[Chunk] = []
    last = truncated = False
    order = 0
    while not (last or truncated):
        try:
            chunk, position, last = read_chunk(view, position, crc)
            if chunk.cut and not allow_truncated:
                raise TruncatedError("the file ends inside a chunk; it was cut off")
        except TruncatedError:
            if not allow_truncated:
                raise
            truncated = True
            break
        if chunk.kind not in KNOWN and not chunk.cut:
            chunk.verify()  # it will be skipped, and may be a known chunk whose type is damaged
        truncated = chunk.cut
        crc = chunk.crc or 0
        order = _next_order(order, chunk)
        if chunk.kind != EXACT or not chunk.cut:
            {LATENT: latents, EXACT: exact}.get(chunk.kind, others).append(chunk)
        _check_counts(header, latents, exact, others)
    _check_parts(header, [_exact.parse(header, chunk) for chunk in exact], CorruptError, whole=last)
    if last:
        _check_complete(header, latents, exact, others)
        if position != len(view):
            raise CorruptError(f"{len(view) - position} bytes follow the last chunk")
    return Container(header, tuple(latents), tuple(exact), tuple(others), len(view), truncated, limits)


def _read_header(view: memoryview) -> tuple[Header, int, int]:
    """-> header, position of the first chunk, running checksum."""
    if bytes(view[:4]) != SIGNATURE:
        _refuse_signature(bytes(view[:8]))
    if len(view) > 4 and view[4] != VERSION:
        raise UnsupportedVersionError(f"container version {view[4]} is not known; update hpcmcodec")
    length, start = read_leb128(view, 5)
    if length > _header.MAX_HEADER_BYTES:
        raise CorruptError(f"the header claims {length} bytes")
    end = start + length
    if end + 4 > len(view):
        raise TruncatedError("the file ends inside its header; it was cut off")
    (crc,) = struct.unpack_from("<I", view, end)
    if zlib.crc32(view[4:end]) != crc:
        raise CorruptError("the header is damaged (checksum mismatch)")
    return _header.unpack(bytes(view[start:end])), end + 4, crc


def _refuse_signature(start: bytes) -> NoReturn:
    """Tells damage by a text-mode transfer, and a file cut to almost nothing, from a file of another kind."""
    damaged = (b"HP\r\n\x01", b"\xc8P\n\x01", b"\xc8P\r\r\n", b"\xc8P\r\x01", b"\xc3\x88P\r\n", b"\xef\xbf\xbdP\r\n")
    if start.startswith(damaged):
        raise CorruptError("the file was changed by a transfer in text mode; transfer it again in binary mode")
    if start and SIGNATURE.startswith(start):
        raise TruncatedError("the file ends inside its signature; it was cut off")
    raise NotHpcError("this is not an hpc file")


def _next_order(order: int, chunk: Chunk) -> int:
    """Known chunks come in the order of their types, once each; only tiles repeat."""
    if chunk.kind not in KNOWN:
        return order
    new = chunk.kind & ORDER
    if new < order or (new == order and chunk.kind not in (LATENT, EXACT)):
        raise CorruptError(f"a chunk of type {chunk.kind:#04x} is repeated or out of order")
    return new


def _check_counts(header: Header, latents: Sequence[Chunk], exact: Sequence[Chunk], others: Sequence[Chunk]) -> None:
    if len(latents) > header.tiles:
        raise CorruptError(f"more than {header.tiles} tiles")
    if len(latents) > _MAX_TILES or len(exact) > 2 * _MAX_TILES:
        raise LimitExceededError(f"the file has more than {_MAX_TILES} tiles")
    if len(others) > _MAX_UNKNOWN_CHUNKS and sum(chunk.kind not in KNOWN for chunk in others) > _MAX_UNKNOWN_CHUNKS:
        raise CorruptError(f"more than {_MAX_UNKNOWN_CHUNKS} chunks of unknown types")


def _check_parts(header: Header, parts: Sequence[ExactPart], error: type[HpcmError], *, whole: bool = True) -> None:
    """Parts come in order; of a whole file none is missing that nothing else shows."""
    if not all(_exact.follows(part, before) for before, part in zip((None, *parts), parts, strict=False)):
        raise error("an exact tile is out of place")
    rows, columns = header.exact_grid
    shown = {what: sum(bool(part.what & what) for part in parts) for what in (_exact.COLOURS, _exact.ALPHA)}
    needed = {_exact.COLOURS: not header.learned, _exact.ALPHA: header.alpha}
    if whole and any(needed[what] and shown[what] != rows * columns for what in needed):
        raise error("an exact tile is missing")


def _check_complete(header: Header, latents: Sequence[Chunk], exact: Sequence[Chunk], others: Sequence[Chunk]) -> None:
    """All learned tiles are there; an index stands in tiled files only and tells the sizes of the tiles' chunks."""
    if len(latents) != header.tiles:
        raise CorruptError(f"{len(latents)} tiles instead of {header.tiles}")
    index = next((chunk.payload for chunk in others if chunk.kind == TILE_INDEX), None)
    if index is None:
        return
    tiled = header.tile_size or header.exact_tile_size
    if not tiled or index != b"".join(leb128(chunk.size) for chunk in (*latents, *exact)):
        raise CorruptError("the index of tiles does not fit the tiles")
