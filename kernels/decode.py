"""Decoding of whole files by the C++ core: bytes in, bytes out, without numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hpcmcodec.kernels._errors import translated
from hpcmcodec.kernels._load import native

Buffer = bytes | bytearray | memoryview
Region = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""


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


class Samples(NamedTuple):
    """Decoded samples: interleaved colours (1 or 3 channels), and alpha by itself. Those of more than 8 bits take two
    bytes in the machine's order."""

    width: int
    height: int
    channels: int
    depth: int
    colours: bytearray
    alpha: bytearray | None


def decode(
    data: Buffer,
    model: Model | None,
    region: Region | None = None,
    scale: int = 1,
    *,
    allow_truncated: bool = False,
    max_pixels: int,
    max_memory: int = 0,
    reserved: int = 0,
    progress: Callable[[float], bool] | None = None,
) -> Samples:
    """A file, or a rectangle of it, `scale` times smaller on each side. model: None for a file that needs none.

    max_memory: bytes that may be in use, 0 for no limit, `reserved` of them by others. progress(share) gives False
    to stop. Raises the errors of `hpcmcodec.errors`.
    """
    with translated():
        return Samples(
            *native().decode(
                data,
                None if model is None else model.native,
                region,
                scale,
                allow_truncated,
                max_pixels,
                max_memory,
                reserved,
                progress,
            )
        )
