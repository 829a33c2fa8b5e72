"""Rules for the numbers in a model file, beside those of `model_rules` for its text (FORMAT.md section 8)."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES: dict[str, np.dtype] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "I8": np.dtype("i1"),
    "I32": np.dtype("<i4"),
}
TOTAL = 1 << 16
_MAX_OFFSET = 1 << 24
_MAX_ROWS = 768


def table_problem(
    cdf: NDArray[np.int32],
    starts: NDArray[np.int32],
    lengths: NDArray[np.int32],
    offsets: NDArray[np.int32],
    y_thresholds: NDArray[np.float32],
    z_thresholds: NDArray[np.float32],
    levels: NDArray[np.float32] | None = None,
) -> str | None:
    """The first rule of entropy tables that is broken, or None."""
    rows = len(starts)
    if levels is not None and (problem := _levels_problem(levels, rows, len(y_thresholds), len(z_thresholds))):
        return problem
    for name, vector in (("y_thresholds", y_thresholds), ("z_thresholds", z_thresholds)):
        if vector.ndim != 1 or not 1 <= len(vector) <= 255 or not np.all(np.isfinite(vector)):
            return f"{name} is not a vector of 1 to 255 numbers"
        if np.any(np.diff(vector) <= 0):
            return f"{name} does not rise"
        if len(vector) >= rows:
            return f"{name} points to more than the {rows} rows of the tables"
    if not (starts.shape == lengths.shape == offsets.shape == (rows,)) or cdf.ndim != 1 or rows > _MAX_ROWS:
        return "the tables' shapes do not fit together"
    ends = starts.astype(np.int64) + lengths  # one past the last value
    if np.any(starts < 0) or np.any(lengths < 3) or np.any(lengths > TOTAL + 1) or np.any(ends > len(cdf)):
        return "a row of the tables lies outside of them"
    if np.any(np.abs(offsets.astype(np.int64)) > _MAX_OFFSET):
        return "an offset is out of range"
    falls = np.concatenate(([0], np.cumsum(np.diff(cdf.astype(np.int64)) <= 0)))  # before each position
    if np.any(cdf[starts] != 0) or np.any(cdf[ends - 1] != TOTAL) or np.any(falls[ends - 1] != falls[starts]):
        return "a row of the tables does not rise strictly from 0 to 65536"
    return None


def _levels_problem(levels: NDArray[np.float32], rows: int, y_thresholds: int, z_thresholds: int) -> str | None:
    if rows != 3 * (y_thresholds + 1) or z_thresholds > y_thresholds or levels.shape != (8 * (y_thresholds + 1),):
        return "the levels of the trellis do not fit the tables"
    first, second, third, step = levels.reshape(-1, 4).T
    rising = (first > 0) & (second > first) & (third > second) & (step > 0)
    return None if rising.all() and levels.max() <= _MAX_OFFSET else "the levels of the trellis do not rise"


def finite(array: NDArray[Any]) -> bool:
    """Whether no element is infinite or not a number."""
    if array.dtype == np.float16:  # on the bits: faster
        return bool((array.view(np.uint16) & 0x7FFF).max(initial=0) < 0x7C00)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def usable_factors(factors: NDArray[np.float32]) -> bool:
    """Whether all factors of an int8 tensor are 0 or have a magnitude of 2^-126 .. 2^120: then no product is infinite
    and none subnormal, which a process that flushes such numbers would change."""
    magnitude = factors.view(np.uint32) & 0x7FFFFFFF  # the bits, as comparisons may flush too
    return bool(((magnitude == 0) | ((magnitude >= 0x00800000) & (magnitude <= 0x7B800000))).all())


def sha256(array: NDArray[Any]) -> str:
    """Of the array's bytes, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
