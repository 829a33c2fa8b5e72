"""What sources mean: the files to convert, and those that are left out, each with its reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpcmcodec.batch.places import Place, Url
from hpcmcodec.errors import HpcmError, InputError
from hpcmcodec.formats.atomic import names_descriptor
from hpcmcodec.formats.kinds import readable

STREAM = Path("-")  # standard input as a source, standard output as a destination
PICTURES = readable()
"""Suffixes of the files that are taken for pictures in a folder."""
CODED = frozenset({".hpc"})
"""Suffixes of the files that are taken for coded pictures in a folder."""
_SPECIAL = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@dataclass(frozen=True)
class Source:
    """A file with its path below the folder that it was found in; `error` if it is not there or cannot be read."""

    path: Place
    relative: Path
    error: HpcmError | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file that is not touched. kind: its suffix, or what it is instead of a file. expected: nobody will miss it,
    since it is of the kind that the command makes, or hidden and no picture."""

    path: Place
    kind: str
    expected: bool = False


def find(
    sources: Sequence[Place],
    accepted: frozenset[str],
    opposite: frozenset[str] = frozenset(),
    never: frozenset[str] = frozenset(),
) -> Iterator[Source | LeftOut]:
    """The files that `sources` mean (see `plan.plan`), in order.

    accepted: suffixes of the files that are taken in folders. opposite: of those whose absence is no surprise, such as
    what the command itself makes. never: of those that are left out even where they are named.
    """
    for source in sources:
        kind, error = _look(source)
        if error is not None:
            yield Source(source, Path(source.name), error)
        elif kind in _SPECIAL.values() and len(sources) > 1 and not names_descriptor(Path(str(source))):
            yield LeftOut(source, kind)  # one of many, as from a shell's *: nobody may ever write into it
        elif kind != "folder":
            suffix = "" if source == STREAM else Path(source.name).suffix.lower()
            known = suffix in opposite
            yield LeftOut(source, suffix, known) if suffix in never else Source(source, Path(source.name))
        elif isinstance(source, Url):
            yield from _walk_url(source, Path(source.name) if len(sources) > 1 else Path(), accepted, opposite)
        else:
            prefix = Path(source.resolve().name) if len(sources) > 1 else Path()
            yield from _walk(source, prefix, accepted, opposite)


def special_kind(mode: int) -> str:
    """What something is that holds no data: a pipe, a socket, a device; empty for everything else."""
    return _SPECIAL.get(stat.S_IFMT(mode), "")


def _look(source: Place) -> tuple[str, HpcmError | None]:
    """What a source is (folder, file, stream, pipe, ...), and what is wrong with it."""
    try:
        if source == STREAM:
            return "stream", None
        if isinstance(source, Url):
            if source.is_dir():
                return "folder", None
            return "file", None if source.exists() else InputError(f"{source}: no such file or folder")
        mode = source.stat().st_mode
        return "folder" if stat.S_ISDIR(mode) else special_kind(mode) or "file", None
    except (FileNotFoundError, NotADirectoryError):
        return "", InputError(f"{source}: no such file or folder")
    except OSError as error:
        return "", InputError(f"{source}: {error.strerror or error}")
    except ValueError as error:  # a name that no file can have
        return "", InputError(f"{source}: {error}")
    except HpcmError as error:
        return "", error


def _walk(folder: Path, prefix: Path, accepted: frozenset[str], opposite: frozenset[str]) -> Iterator[Source | LeftOut]:
    """Files of a folder in sorted order. Symbolic links to folders are not followed: they can form circles."""
    unreadable: list[OSError] = []
    for path, folders, files in os.walk(folder, onerror=unreadable.append):
        folders.sort()
        hidden = any(part.startswith(".") for part in Path(path).relative_to(folder).parts)
        for name in sorted(files):
            file = Path(path, name)
            left = _left_out(name, hidden or name.startswith("."), accepted, opposite)
            if left is not None:
                yield LeftOut(file, *left)
                continue
            special, error = _kind_of(file)
            if special:
                yield LeftOut(file, special)
            else:
                yield Source(file, prefix / file.relative_to(folder), error)
        for name in folders:
            if Path(path, name).is_symlink():
                yield LeftOut(Path(path, name), "link to a folder")
    for failure in unreadable:
        closed = Path(str(failure.filename))
        yield Source(closed, prefix / closed.name, InputError(f"{closed}: folder cannot be read ({failure.strerror})"))


def _walk_url(
    folder: Url, prefix: Path, accepted: frozenset[str], opposite: frozenset[str]
) -> Iterator[Source | LeftOut]:
    for name in folder.files():
        path = Path(name)
        hidden = any(part.startswith(".") for part in path.parts)
        left = _left_out(name, hidden, accepted, opposite)
        yield Source(folder / name, prefix / path) if left is None else LeftOut(folder / name, *left)


def _left_out(name: str, hidden: bool, accepted: frozenset[str], opposite: frozenset[str]) -> tuple[str, bool] | None:
    """(kind, expected) of a file in a folder that is not taken."""
    suffix = Path(name).suffix.lower()
    if hidden:
        missed = suffix in accepted and not Path(name).name.startswith("._")  # those are what macOS adds to a file
        return f"hidden {suffix}" if missed else "hidden", not missed
    if suffix in accepted:
        return None
    return suffix or "no suffix", suffix in opposite


def _kind_of(file: Path) -> tuple[str, HpcmError | None]:
    """What a file is if it is none that can be read like one, and why it cannot be looked at."""
    try:
        return special_kind(file.stat().st_mode), None
    except FileNotFoundError:
        return "", InputError(f"{file}: a link to nothing" if file.is_symlink() else f"{file}: no such file or folder")
    except OSError as error:
        return "", InputError(f"{file}: {error.strerror or error}")
