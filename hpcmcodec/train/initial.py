"""Where a run's first weights come from."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.models.config import from_dict
from hpcmcodec.models.lite import LiteConfig

_DTYPES = {"F16": "<f2", "F32": "<f4", "I8": "i1", "I32": "<i4"}
_MANIFEST, _TABLES = "hpcmcodec", "entropy."


@dataclass(frozen=True)
class Start:
    """A network's config, its float32 arrays by parameter name, and what to say of their origin."""

    config: LiteConfig
    arrays: dict[str, np.ndarray]
    about: dict[str, Any]


def from_model(model: str) -> Start:
    """From an installed model's name or a model file. Raises HpcmError: no such model, or not of family lite.

    In a bare source tree, where the reader of model files and its packages are missing, a path is read directly.
    """
    try:
        from hpcmcodec.models import store
    except ModuleNotFoundError:
        config, arrays, identity = read_bare(Path(model))
    else:
        file = store.find(model)
        config, arrays, identity = file.config, {k: np.array(v) for k, v in file.tensors.items()}, file.identity.hex()
    if config.get("family") != LiteConfig.family:
        raise UsageError(f"{model} is a model of family {config.get('family')}; hpcm train can train lite only")
    return Start(from_dict(LiteConfig, config), arrays, {"model": Path(model).stem, "identity": identity})


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
