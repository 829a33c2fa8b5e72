"""Which source becomes which destination: names, mirrored trees, files that exist already, collisions.

The plan is complete before the first file is touched, so what cannot work is known at once and a tree that is written
into itself is not walked again.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hpcmcodec.batch.places import Place, Url
from hpcmcodec.batch.places import existing as existing_urls
from hpcmcodec.errors import HpcmError, InputError, OutputError, UsageError

STREAM = Path("-")  # standard input as a source, standard output as a destination
PICTURES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tga", ".tif", ".tiff", ".webp"}
)
"""Suffixes of the files that are taken for pictures in a folder."""
CODED = frozenset({".hpc"})
"""Suffixes of the files that are taken for coded pictures in a folder."""


class Existing(Enum):
    """What to do where a destination exists already."""

    REFUSE = "refuse"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class Task:
    """One file to convert. `destination` is None where the plan could not name one; `replace`: it may exist."""

    source: Place
    destination: Place | None
    replace: bool = False


@dataclass(frozen=True)
class Plan:
    """What to do (`tasks`), what is there already (`skipped`) and what cannot be done (`failures`)."""

    tasks: tuple[Task, ...]
    skipped: tuple[Task, ...]
    failures: tuple[tuple[Task, HpcmError], ...]

    def __len__(self) -> int:
        return len(self.tasks) + len(self.skipped) + len(self.failures)


@dataclass(frozen=True)
class Source:
    """A file with its path below the folder that it was found in; `error` if it is not there."""

    path: Place
    relative: Path
    error: HpcmError | None = None


def plan(
    sources: Sequence[Place],
    output: Place | None,
    *,
    suffix: str,
    accepted: frozenset[str],
    existing: Existing = Existing.REFUSE,
    folder: bool = False,
) -> Plan:
    """Pairs every source with a destination.

    Args:
        sources: files, folders, STREAM, URLs of files and folders. A file is taken whatever its name; a folder is
            walked, and files in it are taken when their suffix is in `accepted` (lower case, with the dot) and
            no part of the path starts with a dot.
        output: None (beside each source), STREAM, a file (one source that is a file) or a folder. A single source
            folder is mirrored straight into it; of several sources each folder keeps its name there.
        suffix: of the destination names, with the dot.
        existing: what to do with destinations that exist.
        folder: `output` is a folder even where it does not exist yet.

    Raises UsageError where sources and output cannot go together. Problems of single files are collected in the plan.
    """
    if not sources:
        raise UsageError("no input given")
    into_folder = output is not None and output != STREAM and (folder or _is_folder(sources, output))
    errors: dict[Task, HpcmError] = {}
    tasks: dict[tuple[str, str], Task] = {}  # keyed so that a file reached in two ways is converted once
    for item in find(sources, accepted):
        task = _task(item, output, suffix, into_folder, existing is Existing.REPLACE)
        pair = _key(task.source), _key(task.destination) if task.destination else ""
        if tasks.setdefault(pair, task) is task and item.error is not None:
            errors[task] = item.error
    if output is not None and not into_folder and len(tasks) > 1:
        raise UsageError(f"{len(tasks)} inputs cannot be written to one output ({output}); give a folder with -o")
    found = set() if existing is Existing.REPLACE else _existing(task.destination for task in tasks.values())
    for task, error in _problems(list(tasks.values()), found if existing is Existing.REFUSE else set()):
        errors.setdefault(task, error)
    able = [task for task in tasks.values() if task not in errors]
    there = {task for task in able if task.destination in found}
    return Plan(tuple(t for t in able if t not in there), tuple(t for t in able if t in there), tuple(errors.items()))


def find(sources: Sequence[Place], accepted: frozenset[str]) -> Iterator[Source]:
    """The files that `sources` mean (see `plan`), in order; what is missing or cannot be read has an `error`."""
    for source in sources:
        if source != STREAM and source.is_dir():
            name = source.name if isinstance(source, Url) else source.resolve().name
            prefix = Path(name) if len(sources) > 1 else Path()
            if isinstance(source, Url):
                yield from _walk_url(source, prefix, accepted)
            else:
                yield from _walk(source, prefix, accepted)
        elif source == STREAM or source.exists():
            yield Source(source, Path(source.name))
        else:
            yield Source(source, Path(source.name), InputError(f"{source}: no such file or folder"))


def _walk(folder: Path, prefix: Path, accepted: frozenset[str]) -> Iterator[Source]:
    """Files of a folder in sorted order. Symbolic links to folders are not followed: they can form circles."""
    unreadable: list[OSError] = []
    for path, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in accepted:
                file = Path(path, name)
                yield Source(file, prefix / file.relative_to(folder))
    for error in unreadable:
        closed = Path(str(error.filename))
        yield Source(closed, prefix / closed.name, InputError(f"{closed}: folder cannot be read ({error.strerror})"))


def _walk_url(folder: Url, prefix: Path, accepted: frozenset[str]) -> Iterator[Source]:
    for name in folder.files():
        path = Path(name)
        if path.suffix.lower() in accepted and not any(part.startswith(".") for part in path.parts):
            yield Source(folder / name, prefix / path)


def _is_folder(sources: Sequence[Place], output: Place) -> bool:
    return output.is_dir() or len(sources) > 1 or (sources[0] != STREAM and sources[0].is_dir())


def _task(item: Source, output: Place | None, suffix: str, into_folder: bool, replace: bool) -> Task:
    if item.error is not None:
        return Task(item.path, None)
    name = Path(f"stdin{suffix}") if item.path == STREAM else item.relative.with_suffix(suffix)
    if output is None:
        target = STREAM if item.path == STREAM else item.path.with_suffix(suffix)
    else:
        target = output / name if into_folder else output
    return Task(item.path, target, replace)


def _problems(tasks: Sequence[Task], forbidden: set[Place]) -> Iterator[tuple[Task, HpcmError]]:
    """Two sources with one destination, a destination that is a source, one that exists already."""
    users: defaultdict[str, list[Place]] = defaultdict(list)
    for task in tasks:
        if task.destination is not None and task.destination != STREAM:
            users[_key(task.destination)].append(task.source)
    sources = {_key(task.source) for task in tasks}
    for task in tasks:
        target = task.destination
        if target is None or target == STREAM:
            continue
        others = [path for path in users[_key(target)] if path != task.source]
        if others:
            yield task, OutputError(f"{target} would come from {others[0]} too; convert one of them elsewhere with -o")
        elif _key(target) in sources:
            yield task, OutputError(f"{target} is an input as well; choose another name with -o")
        elif target in forbidden:
            yield task, OutputError(f"{target} exists; use --force to replace it or --skip-existing to keep it")


def _key(path: Place) -> str:
    """Equal for two spellings of one file name, on file systems that ignore case too where the platform says so."""
    if isinstance(path, Url):
        return str(path)
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 (Path.absolute keeps "..")


def _existing(places: Iterable[Place | None]) -> set[Place]:
    """Those that exist; STREAM never does."""
    wanted = [place for place in places if place is not None and place != STREAM]
    urls = existing_urls(place for place in wanted if isinstance(place, Url))
    return urls | {place for place in wanted if isinstance(place, Path) and os.path.lexists(place)}
