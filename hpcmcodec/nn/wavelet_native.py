"""Operations of the wavelet family on numpy arrays: normative arithmetic (FORMAT.md section 9 and annex A)."""

from __future__ import annotations

import numpy as np

from hpcmcodec import kernels

from .geometry_native import extend
from .step_table import STEPS

Array = np.ndarray


def haar(x: Array) -> Array:
    return kernels.haar_dwt(np.ascontiguousarray(x[0]))[None]


def inverse_haar(bands: Array) -> Array:
    return kernels.haar_idwt(np.ascontiguousarray(bands[0]))[None]


def cell_rms(x: Array, floor: float) -> Array:
    h, w = x.shape[2:]
    bounded = extend(np.maximum(x, np.float32(floor)), h + h % 2, w + w % 2)
    squares = bounded * bounded
    top = squares[:, :, 0::2, 0::2] + squares[:, :, 0::2, 1::2]
    bottom = squares[:, :, 1::2, 0::2] + squares[:, :, 1::2, 1::2]
    return kernels.sqrt((top + bottom) * np.float32(0.25))


def grouped(x: Array, weight: Array, bias: Array) -> Array:
    """Depthwise sums of the first, the second, ... input of every group, added in this order."""
    size, total = weight.shape[1], None
    for index in range(size):
        source = np.ascontiguousarray(x[0, index::size].repeat(size, 0))
        own = np.ascontiguousarray(weight[:, index])
        part = kernels.depthwise(source, own, None if index else bias, weight.shape[2] // 2)
        total = part if total is None else total + part
    assert total is not None
    return total[None]


def step_sizes(a: Array) -> Array:
    bounded = np.fmin(np.fmax(a, np.float32(-1)), np.float32(1))  # NaN becomes -1
    return STEPS[np.rint(bounded * np.float32(16)).astype(np.int8) + 16]
