"""Whether two names mean one file, however they are spelled: through links, hard links, and letters' case."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from hpcmcodec.errors import OutputError


def identity(path: str | Path) -> tuple[int, int] | None:
    """Device and number of the file that a path leads to; None where there is none or it cannot be looked at.

    Equal for hard links, and for two spellings on a file system that ignores case.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (Path.stat is slower, and this is called for every file of a tree)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None


def spelling(path: str | Path) -> str:
    """The real path, all links followed: equal for two names of one file that need not exist yet."""
    return os.path.normcase(os.path.realpath(path))


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file, or will once it exists."""
    return spelling(one) == spelling(other) or (identity(one) or 1) == (identity(other) or 2)


def keep_sources(output: str | Path, sources: Iterable[str | Path]) -> None:
    """Raises OutputError if the output is one of the sources: it would be lost."""
    if any(same_file(output, source) for source in sources):
        raise OutputError(f"{output} is an input as well; choose another name for the output")


def ignores_case(path: str | Path) -> bool:
    """Whether the file system takes A and a for one letter, as far as the nearest folder that exists can tell."""
    folder = Path(os.path.realpath(path))
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name.swapcase() != place.name else None
        if other is not None and identity(place) is not None:
            return identity(other) == identity(place)
    return False
