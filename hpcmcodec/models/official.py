"""Import of official HPCM checkpoints (LIC-HPCM release) into model files.

Weights are taken over bit for bit; only the entropy tables are ours: any tables for the same distribution will do.
Needs torch, to read the checkpoint; a pickle is never executed.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.errors import InputError, ModelFileError, OutputError, UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.formats.header import MODEL_NAME
from hpcmcodec.formats.model_file import Summary
from hpcmcodec.formats.paths import keep_sources
from hpcmcodec.models import store
from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.presets import OFFICIAL

BETA = 1.5
SCALE_FLOOR = 0.12

# Tables of the official coder and its scale grid: rebuilt here, whatever the checkpoint holds.
_TABLES = {"scale_table", "quantized_cdf_z", "cdf_length_z", "offset_z", "quantized_cdf_y", "cdf_length_y", "offset_y"}
_ENTROPY = "entropy_estimation."
_CONSTANTS = {f"{_ENTROPY}beta": BETA, f"{_ENTROPY}scale_lower_bound.bound": SCALE_FLOOR}
_WRAPPERS = ("state_dict", "model", "net")
# Trailing dots belong to the suffix: 0.013.pth.tar.
_LAMBDA = re.compile(r"(?<![\d.])(\d+\.\d+)(?=(\.[a-z]+)*$)")


def import_checkpoint(
    checkpoint: str | Path,
    preset: str | None = None,
    name: str | None = None,
    *,
    folder: str | Path | None = None,
    force: bool = False,
) -> Summary:
    """Turn an official checkpoint into a model file and return its description.

    preset: what the network is expected to be (`base`, `large`, `phi`, `1b`), None to take what it is. name: of the
    model, by default the preset and the checkpoint's lambda if its file name tells. folder: where to write, by default
    the user's models. Raises InputError for one that cannot be opened, ModelFileError for one that does not fit,
    UsageError for an unknown preset or an unusable name, OutputError if the model exists already without `force`.
    """
    source = Path(checkpoint)
    if preset is not None and preset not in OFFICIAL:
        raise UsageError(f"there is no official network {preset!r}: choose one of {', '.join(OFFICIAL)}")
    weights = read_checkpoint(source)
    found = detect(weights)
    if preset not in (None, found):
        raise ModelFileError(f"{source} holds a {found!r} network, not {preset!r}: import it with --preset {found}")
    rate = _LAMBDA.search(source.name)
    name = name or (f"{found}-{rate[1]}" if rate else found)
    target = _target(name, Path(folder or store.user_folder()), force)
    keep_sources(target, [source])
    weights = complete(weights, OFFICIAL[found], source)
    provenance = {"source": "official checkpoint", "preset": found, "file": source.name, "sha256": _digest(source)}
    if rate:
        provenance["lambda"] = rate[1]
    export_model(
        target,
        name,
        OFFICIAL[found],
        weights,
        distribution="generalised_gaussian",
        storage=exact,
        provenance=provenance,
    )
    return model_file.peek(target)


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Parameters of a checkpoint by official name, float32, without wrappers, prefixes and tables.

    Raises InputError if it cannot be opened, ModelFileError if it is none or was made for another distribution.
    """
    tensors = _unwrap(_load(path), path)
    arrays: dict[str, np.ndarray] = {}
    for full, value in tensors.items():
        name = full.removeprefix("module.")
        if name in _TABLES:
            continue
        array = _array(value, full, path)
        if not name.startswith(_ENTROPY):
            arrays[name] = array
        elif name in _CONSTANTS and not np.all(array == np.float32(_CONSTANTS[name])):
            raise ModelFileError(f"{path}: {name} is {array.ravel()[:1]}, only {_CONSTANTS[name]} is supported")
    return arrays


def _array(value: Any, name: str, path: Path) -> np.ndarray:
    """A tensor's numbers, float32. Raises ModelFileError for kinds of tensors whose numbers do not lie there singly."""
    import torch

    plain = value.layout is torch.strided and not (value.is_meta or value.is_quantized or value.is_complex())
    if not plain or value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise ModelFileError(f"{path}: {name} is no plain tensor of numbers, such as sparse, quantised or expanded")
    return np.asarray(value.detach().float().numpy())


def detect(weights: Mapping[str, np.ndarray]) -> str:
    """Which official network the parameters belong to, by name of preset."""
    if "g_a.g_a_down1.weight" in weights:
        return "1b"
    if "g_a.branch.15.weight" in weights:
        return "large"
    return "base" if "attn_s1.conv_q.weight" in weights else "phi"


def complete(weights: Mapping[str, np.ndarray], config: HpcmConfig, source: Path) -> dict[str, np.ndarray]:
    """The weights in the network's order, checked: same names, same shapes, finite values.

    Adaptive vectors that are missing become ones, their initial value. Raises ModelFileError for everything else.
    """
    specs = Hpcm(config).specs()
    present = dict(weights)
    for name, spec in specs.items():
        if name.startswith("adaptive_params_list.") and name not in present:
            present[name] = np.ones(spec.shape, np.float32)
    missing, unknown = [n for n in specs if n not in present], [n for n in present if n not in specs]
    if missing or unknown:
        raise ModelFileError(f"{source} is not an official HPCM checkpoint: {_differences(missing, unknown)}")
    for name, spec in specs.items():
        if present[name].shape != spec.shape:
            raise ModelFileError(f"{source}: {name} has shape {present[name].shape}, the network needs {spec.shape}")
        if not np.isfinite(present[name]).all():
            raise ModelFileError(f"{source}: {name} has values that are not finite")
    return {name: present[name] for name in specs}


def _target(name: str, folder: Path, force: bool) -> Path:
    """Where the model file goes; its folder exists afterwards."""
    if not MODEL_NAME.fullmatch(name):
        raise UsageError(f"{name!r} is not a model name: use up to 48 small letters, digits, dots, dashes, underscores")
    target = folder / f"{name}{store.SUFFIX}"
    if target.exists() and not force:
        raise OutputError(f"{target} exists already; choose another --name or use --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder} ({error.strerror})") from None
    return target


def _differences(missing: list[str], unknown: list[str]) -> str:
    parts = [
        (f"{len(names)} parameters {what}, such as {names[0]}")
        for what, names in (("are missing", missing), ("are unknown", unknown))
        if names
    ]
    return "; ".join(parts)


def _load(path: Path) -> Any:
    try:
        import torch
    except ImportError:
        raise UsageError("reading a checkpoint needs torch: pip install 'hpcmcodec[train]'") from None
    try:
        with warnings.catch_warnings():  # torch remarks on old pickle protocols: it either reads them or fails
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from None
    except Exception as error:  # on damaged files torch's reader raises nearly everything there is
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(f"{path} cannot be read as a checkpoint ({reason})") from None


def _unwrap(loaded: Any, path: Path) -> dict[str, Any]:
    """The map of names to tensors, at the top or one level down."""
    candidates = [loaded]
    if isinstance(loaded, Mapping):
        candidates += [loaded[key] for key in _WRAPPERS if key in loaded]
    for candidate in candidates:
        if isinstance(candidate, Mapping) and candidate and all(map(_is_entry, candidate.items())):
            return dict(candidate)
    raise ModelFileError(f"{path} holds no map from names to tensors: is it a checkpoint of a network?")


def _is_entry(item: tuple[Any, Any]) -> bool:
    import torch

    return isinstance(item[0], str) and isinstance(item[1], torch.Tensor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
