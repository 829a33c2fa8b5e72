"""The payload of an exact tile, as the container carries it (formats/EXACT.md, section 9)."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from hpcmcodec.errors import CorruptError
from hpcmcodec.kernels.exact import Samples, exact_decode, exact_encode

_ALONE, _ON_TOP = 0, 1
_HEAD = struct.Struct("<BI")


def encode(samples: Samples, *, depth: int, reference: Samples | None = None, near: int = 0) -> bytes:
    """samples, reference: (H, W, C) as in kernels.exact. With a reference the smaller of alone and on top of it."""
    best = (_ALONE, exact_encode(samples, depth=depth, near=near))
    if reference is not None:
        data = exact_encode(samples, depth=depth, near=near, reference=reference)
        best = (_ON_TOP, data) if len(data) < len(best[1]) else best
    kept = samples
    if near:
        shown = reference if best[0] == _ON_TOP else None
        kept = exact_decode(best[1], _shape(samples), samples.dtype, depth=depth, reference=shown)
    return _HEAD.pack(best[0], _check(kept)) + best[1]


def needs_reference(payload: bytes | memoryview) -> bool:
    """Whether the tile stands on top of a reference. Raises CorruptError."""
    if len(payload) < _HEAD.size or payload[0] not in (_ALONE, _ON_TOP):
        raise CorruptError("an exact tile is damaged")
    return payload[0] == _ON_TOP


def decode(
    payload: bytes | memoryview,
    shape: tuple[int, int, int],
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16] | type,
    *,
    depth: int,
    reference: Samples | None = None,
) -> Samples:
    """The samples (H, W, C). Raises CorruptError if they are not those that were encoded."""
    on_top = needs_reference(payload)
    if on_top and reference is None:
        raise ValueError("this tile needs its reference")
    _, check = _HEAD.unpack_from(payload)
    shown = reference if on_top else None
    samples = exact_decode(bytes(payload[_HEAD.size :]), shape, dtype, depth=depth, reference=shown)
    if _check(samples) != check:
        raise CorruptError("an exact tile decodes to other pixels than were encoded")
    return samples


def _shape(samples: Samples) -> tuple[int, int, int]:
    height, width, channels = samples.shape
    return height, width, channels


def _check(samples: Samples) -> int:
    """CRC-32 of the samples in memory order, 16-bit ones little-endian."""
    plain = samples if samples.dtype == np.uint8 else samples.astype("<u2")
    return zlib.crc32(np.ascontiguousarray(plain).data)
