"""What a model file may hold. Reader and writer keep the same rules (FORMAT.md section 8)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANIFEST, ABOUT = "hpcmcodec", "hpcmcodec.about"
DTYPES: dict[str, np.dtype] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "I8": np.dtype("i1"),
    "I32": np.dtype("<i4"),
}
TABLES = {
    "cdf": "I32",
    "starts": "I32",
    "lengths": "I32",
    "offsets": "I32",
    "y_thresholds": "F32",
    "z_thresholds": "F32",
}
"""Tensors `entropy.NAME` and their types."""
LEVELS = "levels"
"""One more, F32, that only models with trellis-coded quantisation have."""
TOTAL = 1 << 16
_MAX_OFFSET = 1 << 24
_MAX_ROWS = 768
PREFIX = "entropy."
_MAX_TENSORS = 1 << 14
IDENTITY = re.compile(r"[0-9a-f]{64}")
"""Of a model, as a manifest names its base."""
_TENSOR_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")


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


def entries_problem(entries: Mapping[str, Any]) -> str | None:
    """The first rule that the list of tensors breaks, or None."""
    if len(entries) > _MAX_TENSORS:
        return f"more than {_MAX_TENSORS} tensors"
    for name, entry in entries.items():
        if not (isinstance(entry, list) and [type(part) for part in entry] == [str, list, str]):
            return f"{name} is not described by type, shape and hash"
    for name, (dtype, shape, _) in entries.items():
        if not _TENSOR_NAME.fullmatch(name) or dtype not in DTYPES or len(shape) > 6:
            return f"{name} has a name, type or rank that a model cannot have ({dtype}, {shape})"
        if not all(type(n) is int and n > 0 for n in shape):
            return f"{name} has an empty or impossible shape"
        if dtype == "I8" and entries.get(f"{name}.scale", [None])[:2] != ["F32", shape[:1]]:
            return f"{name} is int8 but has no fitting {name}.scale"
        if dtype == "I32" and not name.startswith(PREFIX):
            return f"{name} has a type that weights cannot have"
        if name.startswith(PREFIX) and len(shape) != 1:
            return f"{name} is not a vector"
    tables = {k: v[0] for k, v in entries.items() if k.startswith(PREFIX)}
    if tables.pop(PREFIX + LEVELS, "F32") != "F32" or tables != {PREFIX + k: v for k, v in TABLES.items()}:
        return "the entropy tables are not complete"
    return None


def is_companion(entries: Mapping[str, Any], name: str) -> bool:
    """Whether this tensor holds the factors of an int8 tensor."""
    return name.endswith(".scale") and entries.get(name.removesuffix(".scale"), [None])[0] == "I8"


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


def loads(text: str) -> dict[str, Any]:
    """A JSON object; names must not repeat, numbers must be finite. Raises ValueError, RecursionError."""
    value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name is repeated")
    return values
