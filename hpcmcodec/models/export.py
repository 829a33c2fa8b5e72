"""From trained arrays to a model file that the codec ships: storage types, entropy tables, provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.entropy.tables import DISTRIBUTIONS, EntropyTables
from hpcmcodec.formats import model_file
from hpcmcodec.formats.model_file import ModelFile
from hpcmcodec.models.config import to_dict
from hpcmcodec.models.program import program_of
from hpcmcodec.models.registry import build
from hpcmcodec.models.rwkv.export import merged

_SMALL = 4096
_PRECISE = ("linear.", "h_pca")
"""Statistics rather than weights: they keep half precision."""


def stored(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """How a float32 parameter is stored: small ones as they are, matrices of networks as int8 with a factor per row
    (no measurable loss: docs/DECISIONS.md), the rest in half precision."""
    if array.size <= _SMALL:
        return {name: array}
    if array.ndim == 4 and array.shape[1] > 1 and not name.startswith(_PRECISE):
        rows = array.reshape(array.shape[0], -1)
        factors = np.abs(rows).max(axis=1) / np.float32(127)
        factors[factors < np.finfo(np.float32).tiny] = 1  # rows of nothing but zeros, as good as
        levels = np.rint(rows / factors[:, None]).astype(np.int8)
        return {name: levels.reshape(array.shape), f"{name}.scale": factors.astype(np.float32)}
    return {name: array.astype(np.float16)}


def exact(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """Store a parameter bit for bit."""
    return {name: array}


def export_model(
    path: str | Path,
    name: str,
    config: Any,
    arrays: Mapping[str, np.ndarray],
    *,
    distribution: str = "logistic",
    tables: EntropyTables | None = None,
    base: ModelFile | None = None,
    storage: Callable[[str, np.ndarray], dict[str, np.ndarray]] = stored,
    provenance: Mapping[str, Any] | None = None,
    measured: Mapping[str, Any] | None = None,
) -> bytes:
    """Write the model file of a network and return its identity (32 bytes).

    arrays: float32 by parameter name; kernels that are trained in branches are merged.
    distribution: a key of `entropy.tables.DISTRIBUTIONS`. tables: others than it has, as of a trellis. storage: how
    each parameter is kept, `stored` or `exact`. base: a model of which an adapter is made, which holds only the
    parameters that have other values there.
    Raises ModelFileError for arrays that no model file can hold.
    """
    config, arrays = merged(config, arrays)
    tables = tables or DISTRIBUTIONS[distribution]()
    tensors: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        if base is None or not _same(base.tensors.get(key), array):
            tensors |= storage(key, np.asarray(array, np.float32))
    return model_file.write(
        path,
        name=name,
        config=to_dict(config),
        program=program_of(build(config)),
        tensors=tensors,
        **tables.stored(),
        base=None if base is None else base.identity,
        distribution={"name": distribution} | ({} if tables.levels is None else {"trellis": "measured"}),
        provenance=provenance,
        measured=measured,
    )


def _same(one: np.ndarray | None, other: np.ndarray) -> bool:
    return one is not None and np.array_equal(one, np.asarray(other, np.float32))
