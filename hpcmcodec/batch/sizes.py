"""How many pixels a file has, from its head alone: work is measured in pixels."""

from __future__ import annotations

from pathlib import Path

from hpcmcodec.batch.found import CODED, STREAM
from hpcmcodec.batch.places import Place
from hpcmcodec.errors import HpcmError, InputError

_HEAD = 4096


def pixels_of(source: Place) -> int | None:
    """None for standard input, remote files, and what cannot be read."""
    if source == STREAM or not isinstance(source, Path):
        return None
    try:
        if not source.is_file():
            return None
        return _coded(source) if source.suffix.lower() in CODED else _picture(source)
    except (HpcmError, OSError, ValueError):
        return None


def _coded(source: Path) -> int:
    from hpcmcodec.formats.limits import MAX_SIDE
    from hpcmcodec.kernels.decode import File

    with source.open("rb") as file:
        found = File(file.read(_HEAD), MAX_SIDE**2, 0, allow_truncated=True)
    return found.width * found.height


def _picture(source: Path) -> int | None:
    from hpcmcodec.formats.pictures import read_picture

    found: list[int] = []

    def note(height: int, width: int) -> None:
        found.append(height * width)
        raise InputError("that is all")

    try:
        read_picture(source, admit=note)
    except HpcmError:
        return found[0] if found else None
    return None
