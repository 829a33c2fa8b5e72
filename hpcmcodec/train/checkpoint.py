"""Checkpoints: written under another name and renamed, so that the last one is always whole; in one file or, for
machines that hand out small files only, in parts with a list of them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch

from hpcmcodec.errors import InputError, ModelFileError, OutputError

NAME, LIST = "last.pt", "last.json"
VERSION = 1
_FIELDS = {"version", "network", "weights", "average", "optimizer", "step", "seconds", "about", "validation"}


def exists(run: Path) -> bool:
    """Whether the folder holds a checkpoint."""
    return (run / NAME).exists() or (run / LIST).exists()


def save(run: Path, content: dict[str, Any], split: int | None = None) -> None:
    """Replace the run's checkpoint. split: largest size of a file in bytes.

    Raises OutputError (full disk); the old one is intact then.
    """
    try:
        if split is None:
            _replace(run / NAME, lambda file: torch.save({"version": VERSION, **content}, file))
            _remove_parts(run, keep=())
            (run / LIST).unlink(missing_ok=True)
        else:
            _save_parts(run, content, split)
            (run / NAME).unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
        raise OutputError(f"cannot write {run / NAME} ({error}); the checkpoint before it is intact") from error


def _save_parts(run: Path, content: dict[str, Any], split: int) -> None:
    """Parts are named after the step, so that the old ones stay until the list names the new ones."""
    memory = io.BytesIO()
    torch.save({"version": VERSION, **content}, memory)
    data = memory.getbuffer()
    parts = {}
    for i, start in enumerate(range(0, len(data), split)):
        part = data[start : start + split]
        name = f"{NAME}.{content['step']:08d}-{i:03d}"
        _replace(run / name, lambda file, part=part: file.write(part))  # type: ignore[misc]
        parts[name] = hashlib.sha256(part).hexdigest()
    _replace(run / LIST, lambda file: file.write(json.dumps({"parts": parts}, indent=1).encode()))
    _remove_parts(run, keep=parts)


def _remove_parts(run: Path, keep: Any) -> None:
    for path in run.glob(f"{NAME}.[0-9]*"):
        if path.name not in keep:
            path.unlink()


def _replace(target: Path, write: Any) -> None:
    temporary = target.with_name(f"{target.name}.part")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def load(run: Path, device: str = "cpu") -> dict[str, Any]:
    """The run's checkpoint; nothing in it is executed. Raises InputError where there is none,
    ModelFileError for a damaged one."""
    path = run / (LIST if (run / LIST).exists() else NAME)
    try:
        file = _joined(run) if path.name == LIST else path.open("rb")
        with file:
            content = torch.load(file, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{run} holds no checkpoint ({NAME}): is it the folder of a run?") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged files torch's reader raises nearly everything there is
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(f"{path} is not a readable checkpoint ({reason})") from error
    if not isinstance(content, dict) or content.keys() - {"extras"} != _FIELDS or content["version"] != VERSION:
        raise ModelFileError(f"{path} is not a checkpoint of this version of hpcmcodec")
    return {"extras": {}, **content}


def _joined(run: Path) -> BinaryIO:
    """The parts as one file. Raises ValueError for a missing or damaged one."""
    memory = io.BytesIO()
    for name, digest in json.loads((run / LIST).read_text())["parts"].items():
        part = run / Path(name).name
        if not part.exists():
            raise ValueError(f"its part {name} is missing")
        data = part.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"its part {name} is damaged")
        memory.write(data)
    memory.seek(0)
    return memory
