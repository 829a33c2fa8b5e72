"""From a run to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpcmcodec.errors import OutputError
from hpcmcodec.models import store
from hpcmcodec.models.export import export_model
from hpcmcodec.models.registry import build, config_from_dict

from . import checkpoint


def export_run(
    run: Path, output: Path, name: str | None = None, *, base: str | Path | None = None, force: bool = False
) -> bytes:
    """Write the averaged weights of a run's checkpoint as a model file; returns its identity (32 bytes).

    name: of the model, by default the file's. base: a model of which an adapter is made, see
    `export_model`. Raises InputError for what is no run, OutputError if the file exists and `force` is not set,
    ModelFileError for an unusable name.
    """
    if output.exists() and not force:
        raise OutputError(f"{output} exists; use --force to replace it")
    saved = checkpoint.load(run)
    tensors = {**saved["weights"], **saved["average"]}  # constants have no average
    config = config_from_dict(saved["network"])
    return export_model(
        output,
        name or output.name.removesuffix(".safetensors"),
        config,
        {key: tensor.float().numpy() for key, tensor in tensors.items()},
        distribution=build(config).distribution,
        base=None if base is None else store.find(base),
        provenance=provenance(saved),
        measured={"validation": saved["validation"]} if saved["validation"] else None,
    )


def provenance(saved: dict[str, Any]) -> dict[str, Any]:
    """What a model file tells of its training."""
    about = saved["about"]
    return {
        "source": "hpcm train",
        "steps": saved["step"],
        "hours": round(saved["seconds"] / 3600, 3),
        "seed": about["settings"]["seed"],
        **about,
    }
