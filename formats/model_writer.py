"""Writing model files: the same arguments give the same bytes."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.errors import ModelFileError
from hpcmcodec.formats.atomic import atomic_file
from hpcmcodec.formats.header import MODEL_NAME
from hpcmcodec.formats.model_arrays import DTYPES, finite, sha256, table_problem, usable_factors
from hpcmcodec.formats.model_rules import ABOUT, LEVELS, MANIFEST, PREFIX, TABLES, entries_problem, is_companion


def write(
    path: str | Path,
    *,
    name: str,
    config: Mapping[str, Any],
    program: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    cdf: NDArray[np.int32],
    starts: NDArray[np.int32],
    lengths: NDArray[np.int32],
    offsets: NDArray[np.int32],
    y_thresholds: NDArray[np.float32],
    z_thresholds: NDArray[np.float32],
    levels: NDArray[np.float32] | None = None,
    base: bytes | None = None,
    distribution: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    measured: Mapping[str, Any] | None = None,
) -> bytes:
    """Write a model file, whole or not at all, and return its identity (32 bytes).

    config: JSON values with a `family`.   program: what decoders execute, whole numbers and texts only.
    tensors: float16, float32, or int8 with a float32 vector `NAME.scale` of one
    factor per row. levels: of a trellis, see `ModelFile`. base: the identity of the model whose parameters an adapter
    has besides these. The same arguments give the same bytes. Raises ModelFileError, OutputError.
    """
    tables = {"cdf": cdf, "starts": starts, "lengths": lengths, "offsets": offsets}
    tables |= {"y_thresholds": y_thresholds, "z_thresholds": z_thresholds}  # type: ignore[dict-item]
    arrays = {k: np.ascontiguousarray(v) for k, v in tensors.items()}
    arrays |= {PREFIX + k: np.ascontiguousarray(v, DTYPES[TABLES[k]]) for k, v in tables.items()}
    if levels is not None:
        arrays[PREFIX + LEVELS] = np.ascontiguousarray(levels, np.float32).ravel()
    names = {dtype: code for code, dtype in DTYPES.items()}
    entries = {k: [names.get(v.dtype, str(v.dtype)), list(v.shape), sha256(v)] for k, v in arrays.items()}
    problem = (
        entries_problem(entries)
        or table_problem(**{k: arrays[PREFIX + k] for k in TABLES}, levels=arrays.get(PREFIX + LEVELS))
        or next((f"{k} has values that are not finite" for k, v in arrays.items() if not finite(v)), None)
        or next((f"{k} has unusable factors" for k, v in arrays.items() if _bad_factors(entries, k, v)), None)
        or (None if MODEL_NAME.fullmatch(name) else f"{name!r} is not a model name")
        or (None if isinstance(config.get("family"), str) else "the config has no family")
    )
    if problem:
        raise ModelFileError(f"{path}: {problem}")
    described = {"config": config, "distribution": distribution or {}, "program": program, "tensors": entries}
    manifest = _dump(described if base is None else {**described, "base": base.hex()})
    about = _dump({"name": name, "provenance": provenance or {}, "measured": measured or {}})
    _write_safetensors(Path(path), arrays, entries, {MANIFEST: manifest, ABOUT: about})
    return hashlib.sha256(manifest.encode()).digest()


def _bad_factors(entries: Mapping[str, Any], name: str, array: NDArray[Any]) -> bool:
    return is_companion(entries, name) and not usable_factors(array)


def _dump(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the model's description is not JSON ({error})") from error


def _write_safetensors(
    path: Path, arrays: Mapping[str, NDArray[Any]], entries: Mapping[str, Any], metadata: dict[str, str]
) -> None:
    """safetensors with a reproducible order: metadata, then tensors by falling item size (for alignment) and name."""
    order = sorted(arrays, key=lambda k: (-arrays[k].itemsize, k))
    head: dict[str, Any] = {"__metadata__": metadata}
    position = 0
    for name in order:
        dtype, shape, _ = entries[name]
        end = position + arrays[name].nbytes
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    with atomic_file(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(arrays[name].data)
