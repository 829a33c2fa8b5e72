"""Where a run's first weights come from."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.models.lite.regroup import fewer_groups
from hpcmcodec.models.registry import build, config_from_dict

_DTYPES = {"F16": "<f2", "F32": "<f4", "I8": "i1", "I32": "<i4"}
_MANIFEST, _TABLES = "hpcmcodec", "entropy."


@dataclass(frozen=True)
class Start:
    """A network's config, its float32 arrays by parameter name, and what to say of their origin."""

    config: Any
    arrays: dict[str, np.ndarray]
    about: dict[str, Any]


def from_layers(config: Any, seed: int) -> Start:
    """The layers' own random values, for networks that have no start from statistics."""
    return Start(config, build(config).initial(seed), {"layers": {"seed": seed}})


def from_model(model: str) -> Start:
    """From an installed model's name or a model file. Raises HpcmError: no such model.

    In a bare source tree, where the reader of model files and its packages are missing, a path is read directly.
    """
    try:
        from hpcmcodec.models import store
    except ModuleNotFoundError:
        config, arrays, identity = read_bare(Path(model))
    else:
        file = store.find(model)
        config, arrays, identity = file.config, {k: np.array(v) for k, v in file.tensors.items()}, file.identity.hex()
    return Start(config_from_dict(config), arrays, {"model": Path(model).stem, "identity": identity})


def fitted(start: Start, config: Any, seed: int) -> Start:
    """A start for another network: what both have is taken over, the rest keeps its initial values (`about` says which
    parts are new and which were left out); lite in fewer groups joins the steps of more. The range of qualities is the
    start's, whose tables are made for it. A start that is of this network and whole is given back as it is. Raises
    UsageError if a shape differs or nothing fits."""
    if config == start.config and build(config).specs().keys() <= start.arrays.keys():
        return start
    config = in_range_of(start.config, config)
    start, arrays = _regrouped(start, config), build(config).initial(seed, grown=True)
    common = arrays.keys() & start.arrays.keys()
    unlike = sorted(name for name in common if arrays[name].shape != start.arrays[name].shape)
    if unlike or not common:
        reason = f"{unlike[0]} has another shape" if unlike else "they have no parameter in common"
        raise UsageError(f"--init and --preset do not fit together: {reason}")
    new, left_out = sorted(arrays.keys() - common), sorted(start.arrays.keys() - common)
    about = {**start.about, "new": _parts(new), "left_out": _parts(left_out)}
    return replace(start, config=config, arrays={**arrays, **{k: start.arrays[k] for k in common}}, about=about)


def in_range_of(own: Any, config: Any) -> Any:
    """`config` with the range of qualities of the network `own`, if both are of variable rate."""
    variable = hasattr(own, "slopes") and hasattr(config, "slopes")
    return replace(config, slopes=own.slopes) if variable else config


def _regrouped(start: Start, config: Any) -> Start:
    """The start in the fewer groups of a lite network that is wanted, itself otherwise."""
    if not start.config.family == config.family == "lite":  # other families have the same weights for all groups
        return start
    own, wanted = start.config.checkerboard_groups, config.checkerboard_groups
    if wanted >= own:
        return start
    return replace(start, arrays=fewer_groups(start.arrays, config.latent_channels, own, wanted))


def _parts(names: list[str]) -> list[str]:
    """Parameters by the module that holds them, each once."""
    return list(dict.fromkeys(name.rpartition(".")[0] or name for name in names))


def read_bare(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], str]:
    """Config, float32 parameters and identity of a model file (FORMAT.md section 8), with numpy alone.

    For a machine that has nothing but torch: no hashes are checked. Raises ModelFileError, UsageError.
    """
    if not path.is_file():
        raise UsageError(f"--init {path}: there is no such file, and names of models need an installed hpcmcodec")
    data = path.read_bytes()
    try:
        (length,) = struct.unpack("<Q", data[:8])
        head = json.loads(data[8 : 8 + length])
        manifest = head.pop("__metadata__")[_MANIFEST]
        raw = {name: _tensor(entry, memoryview(data)[8 + length :]) for name, entry in head.items()}
        config: dict[str, Any] = json.loads(manifest)["config"]
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelFileError(f"{path} is not a readable model file ({error})") from error
    arrays = {}
    for name, tensor in raw.items():
        factors = raw.get(f"{name}.scale")
        if tensor.dtype == np.int8 and factors is not None:
            arrays[name] = tensor.astype(np.float32) * factors.reshape(-1, *[1] * (tensor.ndim - 1))
        elif not name.startswith(_TABLES) and raw.get(name.removesuffix(".scale"), tensor).dtype != np.int8:
            arrays[name] = tensor.astype(np.float32)
    return config, arrays, hashlib.sha256(manifest.encode()).hexdigest()


def _tensor(entry: dict[str, Any], data: memoryview) -> np.ndarray:
    first, last = entry["data_offsets"]
    return np.frombuffer(data[first:last], _DTYPES[entry["dtype"]]).reshape(entry["shape"])
