"""Lossless coding of the alpha plane (FORMAT.md section 5).

method 1 | ...     method 0: one byte, the value of every sample
                   method 1..4: zlib stream of the plane, row by row, as differences modulo 256:
                   1 none, 2 to the left neighbour, 3 to the upper neighbour, 4 to the left, of these to the upper
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.errors import CorruptError

_CONSTANT, _PLAIN, _LEFT, _UP, _BOTH = range(5)


def encode(plane: NDArray[np.uint8]) -> bytes:
    """The payload of an alpha chunk. plane: uint8 (H, W), not empty."""
    first = plane.flat[0]
    if np.all(plane == first):
        return bytes([_CONSTANT, first])
    trials = {method: zlib.compress(_difference(plane, method), 1) for method in (_PLAIN, _LEFT, _UP, _BOTH)}
    method = min(trials, key=lambda m: len(trials[m]))
    return bytes([method]) + zlib.compress(_difference(plane, method), 9)


def decode(payload: bytes | bytearray | memoryview, height: int, width: int) -> NDArray[np.uint8]:
    """The plane, uint8 (height, width). Raises CorruptError if the payload is not exactly such a plane."""
    view = memoryview(payload)
    if len(view) < 2 or view[0] > _BOTH or (view[0] == _CONSTANT and len(view) != 2):
        raise CorruptError("the alpha channel is damaged")
    if view[0] == _CONSTANT:
        return np.full((height, width), view[1], np.uint8)
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(view[1:], height * width + 1)
    except zlib.error as error:
        raise CorruptError(f"the alpha channel is damaged ({error})") from None
    if len(data) != height * width or not inflate.eof or inflate.unused_data:
        raise CorruptError("the alpha channel has another size than the picture")
    plane = np.frombuffer(bytearray(data), np.uint8).reshape(height, width)
    if view[0] in (_UP, _BOTH):
        np.cumsum(plane, axis=0, dtype=np.uint8, out=plane)
    if view[0] in (_LEFT, _BOTH):
        np.cumsum(plane, axis=1, dtype=np.uint8, out=plane)
    return plane


def _difference(plane: NDArray[np.uint8], method: int) -> bytes:
    if method in (_LEFT, _BOTH):
        plane = np.diff(plane, axis=1, prepend=np.uint8(0))
    if method in (_UP, _BOTH):
        plane = np.diff(plane, axis=0, prepend=np.uint8(0))
    return plane.tobytes()
