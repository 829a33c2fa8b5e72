"""Checkpoints: written under another name and renamed, so that the last one is always whole."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from hpcmcodec.errors import InputError, OutputError

NAME = "last.pt"
VERSION = 1
_FIELDS = {"version", "network", "weights", "average", "optimizer", "step", "seconds", "about", "validation"}


def path_in(run: Path) -> Path:
    """Where a run keeps its checkpoint."""
    return run / NAME


def save(run: Path, content: dict[str, Any]) -> None:
    """Replace the run's checkpoint. Raises OutputError (full disk); the old one is intact then."""
    target = path_in(run)
    temporary = target.with_name(f"{NAME}.part")
    try:
        with temporary.open("wb") as file:
            torch.save({"version": VERSION, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {target} ({error}); the checkpoint before it is intact") from error


def load(run: Path, device: str = "cpu") -> dict[str, Any]:
    """The run's checkpoint; nothing in it is executed. Raises InputError."""
    path = path_in(run)
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{run} holds no checkpoint ({NAME}): is it the folder of a run?") from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is not a readable checkpoint ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict) or content.keys() != _FIELDS or content["version"] != VERSION:
        raise InputError(f"{path} is not a checkpoint of this version of hpcmcodec")
    return content
