"""The exact coder: rectangles of samples as bytes, without loss or within a stated error (formats/EXACT.md).

The bytes say nothing of the rectangle's size, channels and depth: the container does. Channels are 1 grey, 2 grey and
alpha, 3 RGB, 4 RGBA, side by side. A reference is a picture that the decoder has too, such as what a lossy layer shows.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.errors import CorruptError, UnsupportedVersionError
from hpcmcodec.kernels._load import native

Samples: TypeAlias = NDArray[Any]
"""uint8 or uint16."""


def exact_encode(
    samples: Samples, *, depth: int | None = None, reference: Samples | None = None, near: int = 0, effort: int = 0
) -> bytes:
    """samples: uint8 or uint16 (H, W, C), 1 to 4 channels, C-contiguous, none above 2^depth - 1 (default: all bits).
    reference: the same type and shape, or None. No sample will differ by more than `near` (0 to 255). effort 1 also
    tries what makes photographs smaller, but slower to decode. Raises ValueError for anything else.
    """
    kind = _kind(samples.dtype)
    encode = getattr(native(), f"exact_encode{kind}")
    return bytes(encode(samples, kind if depth is None else depth, reference, near, effort))


def exact_decode(
    data: bytes,
    shape: tuple[int, int, int],
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16] | type,
    *,
    depth: int | None = None,
    reference: Samples | None = None,
) -> Samples:
    """Samples (H, W, C) from bytes of exact_encode with the same depth and reference.

    Damaged bytes give wrong samples or CorruptError, never more work or memory than the size asks for; methods of later
    versions give UnsupportedVersionError.
    """
    kind = _kind(np.dtype(dtype))
    if len(shape) != 3:
        raise ValueError("the shape is (height, width, channels)")
    decode = getattr(native(), f"exact_decode{kind}")
    try:
        samples: Samples = decode(data, *shape, kind if depth is None else depth, reference)
    except native().StreamCorrupt as error:
        raise CorruptError(str(error)) from error
    except native().StreamNewer as error:
        raise UnsupportedVersionError(str(error)) from error
    return samples


def _kind(dtype: np.dtype[Any]) -> int:
    if dtype not in (np.uint8, np.uint16):
        raise ValueError(f"samples are uint8 or uint16, not {dtype}")
    return 8 * np.dtype(dtype).itemsize
