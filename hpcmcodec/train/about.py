"""What a run tells of itself, from the checkpoint to the exported model."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hpcmcodec import __version__

from .config import RunConfig
from .data import Pictures


def describe(config: RunConfig, pictures: Pictures) -> dict[str, Any]:
    """Provenance of a call: data, settings, versions. Names of folders, not where they lie."""
    settings = config.to_dict()
    for name in ("data", "out", "valid", "cache", "init", "branch", "resume"):
        settings.pop(name)
    if config.trellis is not None:
        settings["trellis"] = Path(config.trellis).name  # a model's name, or its file's
    pixels = int((pictures.index[:, 1] * pictures.index[:, 2]).sum())
    return {
        "data": {
            "folder": config.data.resolve().name,
            "pictures": len(pictures),
            "pixels": pixels,
            "listing": pictures.key,
        },
        "settings": settings,
        "versions": {
            "hpcmcodec": __version__,
            "torch": str(torch.__version__),  # a class of its own, which no checkpoint may hold
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
