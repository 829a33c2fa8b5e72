"""Decoding of whole files by the C++ core: bytes in, bytes out, without numpy."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hpcmcodec.kernels._errors import translated
from hpcmcodec.kernels._load import native

Buffer = bytes | bytearray | memoryview
Region = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""


def file_bytes(path: Path) -> memoryview:
    """All of a file, in memory of the core's. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        room, used = memoryview(native().Room(os.fstat(file.fileno()).st_size)), 0
        while count := file.readinto(room[used:]):
            used += count
        return room[:used]


class Model:
    """A model file, read and checked. find_base: from an identity (32 bytes) to the model of it, for an adapter. Raises
    ModelFileError, MissingModelError."""

    def __init__(self, data: Buffer, find_base: Callable[[bytes], Model] | None = None) -> None:
        find = None if find_base is None else lambda identity: find_base(identity).native
        with translated():
            self.native: Any = native().Model(data, find)

    @property
    def identity(self) -> bytes:
        """32 bytes."""
        return bytes(self.native.identity)

    @property
    def size(self) -> int:
        """Bytes of its parameters in memory."""
        return int(self.native.size)


class Tile(NamedTuple):
    """Of an entropy tile: bytes of the streams that are whole, and whether these are all."""

    sizes: list[int]
    complete: bool


COLOURS, ALPHA, ON_TOP = 1, 2, 4
"""Kinds of exact parts, to be added up."""


class Contents(NamedTuple):
    """What a file's whole parts take together. streams: bytes of all tiles, hyper-latents first, and of exact parts;
    exact_tiles: that have a part; alone, on_top, alpha: exact parts, one of colours and alpha counts as both."""

    streams: list[int]
    exact: int
    exact_tiles: int
    alone: int
    on_top: int
    alpha: int


class File:
    """The structure of an hpc file, which it keeps; needs no model. Checksums are compared as parts are used.

    most_metadata: bytes of one unpacked piece. allow_truncated: accept a file whose end is missing, as long as its
    header is whole. Raises NotHpcError, TruncatedError, CorruptError, UnsupportedVersionError, LimitExceededError.
    """

    def __init__(self, data: Buffer, most_pixels: int, most_metadata: int, *, allow_truncated: bool = False) -> None:
        with translated():
            self.native: Any = native().File(data, most_pixels, most_metadata, allow_truncated)
        file = self.native
        self.width: int = file.width
        self.height: int = file.height
        self.channels: int = file.channels
        """Of the colours: 1 (grey) or 3."""
        self.has_alpha: bool = file.has_alpha
        self.bit_depth: int = file.bit_depth
        """8..16."""
        self.learned: bool = file.learned
        """Whether there is a learned picture, which needs a model; else all is exact."""
        self.quality: float | None = _plain(file.quality)
        """1..100; None for a model of one rate."""
        self.model_id: bytes = file.model_id
        """8 bytes; none where nothing is learned."""
        self.model_name: str = file.model_name
        self.streams: int = file.streams
        """Of a tile: hyper-latents first, then coarse to fine."""
        self.tile_size: int = file.tile_size
        """Pixels of a side; 0 for one tile."""
        self.tiles: int = file.tiles
        self.tiles_present: int = file.tiles_present
        """Of which at least the beginning is there; less than `tiles` only if `truncated`."""
        self.exact_tile_size: int = file.exact_tile_size
        self.exact_tiles: int = file.exact_tiles
        """Of the grid, whether or not the file has them."""
        self.most_error: int | None = file.most_error
        """No sample differs by more from the source; None where the file does not say."""
        self.cicp: tuple[int, int, int] | None = file.cicp
        """What the colours are, as H.273 numbers them: primaries, transfer, full range (1) or not; None: not said."""
        self.truncated: bool = file.truncated
        self.size: int = file.size
        """Bytes of the file."""

    @property
    def icc(self) -> bytes | None:
        """The ICC profile, or None."""
        return self._metadata("icc")

    @property
    def exif(self) -> bytes | None:
        """The EXIF block (TIFF structure without prefix, orientation 1 or absent), or None."""
        return self._metadata("exif")

    @property
    def xmp(self) -> bytes | None:
        """The XMP packet, or None."""
        return self._metadata("xmp")

    def tile(self, index: int) -> Tile:
        """Tile `index` in raster order, its checksum compared."""
        with translated():
            return Tile(*self.native.tile(index))

    def contents(self) -> Contents:
        """Everything counted, the checksums of learned tiles compared; those of exact parts are not."""
        with translated():
            return Contents(*self.native.contents())

    def verify(self) -> None:
        """Checks everything that needs no model: all checksums and the structure inside the chunks."""
        with translated():
            self.native.verify()

    def _metadata(self, name: str) -> bytes | None:
        with translated():
            block: bytes | None = getattr(self.native, name)
        return block


def _plain(number: float | None) -> float | None:
    """A whole number as int, which prints without a point."""
    return int(number) if number is not None and number == int(number) else number


def exif_problem(block: Buffer) -> str | None:
    """What FORMAT.md does not allow of an EXIF block in an hpc file, or None."""
    problem: str | None = native().exif_problem(block)
    return problem


class Decoded(NamedTuple):
    """Decoded samples: interleaved colours (1 or 3 channels), and alpha by itself. Those of more than 8 bits take two
    bytes in the machine's order."""

    width: int
    height: int
    channels: int
    depth: int
    colours: bytearray
    alpha: bytearray | None


def decode(
    file: File,
    model: Model | None,
    region: Region | None = None,
    scale: int = 1,
    *,
    max_memory: int = 0,
    reserved: int = 0,
    progress: Callable[[float], bool] | None = None,
) -> Decoded:
    """A file, or a rectangle of it, `scale` times smaller on each side. model: None for a file that needs none.

    max_memory: bytes that may be in use, 0 for no limit, `reserved` of them by others. progress(share) gives False
    to stop. Raises the errors of `hpcmcodec.errors`.
    """
    with translated():
        made = native().decode(
            file.native, None if model is None else model.native, region, scale, max_memory, reserved, progress
        )
        return Decoded(*made)
