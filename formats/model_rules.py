"""What a model file may hold. Reader and writer keep the same rules (FORMAT.md section 8)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MANIFEST, ABOUT = "hpcmcodec", "hpcmcodec.about"
WIDTHS = {"F16": 2, "F32": 4, "I8": 1, "I32": 4}
"""Bytes of an element by its type."""
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
PREFIX = "entropy."
_MAX_TENSORS = 1 << 14
IDENTITY = re.compile(r"[0-9a-f]{64}")
"""Of a model, as a manifest names its base."""
_TENSOR_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")


def entries_problem(entries: Mapping[str, Any]) -> str | None:
    """The first rule that the list of tensors breaks, or None."""
    if len(entries) > _MAX_TENSORS:
        return f"more than {_MAX_TENSORS} tensors"
    for name, entry in entries.items():
        if not (isinstance(entry, list) and [type(part) for part in entry] == [str, list, str]):
            return f"{name} is not described by type, shape and hash"
    for name, (dtype, shape, _) in entries.items():
        if not _TENSOR_NAME.fullmatch(name) or dtype not in WIDTHS or len(shape) > 6:
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
