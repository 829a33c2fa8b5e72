"""Which source becomes which destination: names, mirrored trees, files that exist already, collisions.

The plan is complete before the first file is touched, so what cannot work is known at once and a tree that is written
into itself is not walked again.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from hpcmcodec.batch.found import CODED as CODED
from hpcmcodec.batch.found import PICTURES as PICTURES
from hpcmcodec.batch.found import STREAM, LeftOut, Source, find
from hpcmcodec.batch.places import Place, Url
from hpcmcodec.batch.places import existing as existing_urls
from hpcmcodec.errors import HpcmError, OutputError, UsageError
from hpcmcodec.formats.atomic import is_special
from hpcmcodec.formats.paths import identity, ignores_case, spelling


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
    """What to do (`tasks`), what is there already (`skipped`), what cannot be done (`failures`), and which files of
    other kinds were seen (`left_out`)."""

    tasks: tuple[Task, ...]
    skipped: tuple[Task, ...]
    failures: tuple[tuple[Task, HpcmError], ...]
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.tasks) + len(self.skipped) + len(self.failures)


def plan(
    sources: Sequence[Place],
    output: Place | None,
    *,
    suffix: str,
    accepted: frozenset[str],
    opposite: frozenset[str] = frozenset(),
    never: frozenset[str] = frozenset(),
    existing: Existing = Existing.REFUSE,
    folder: bool = False,
    keep_suffix: bool = False,
    probe: Callable[[Path], HpcmError | None] = lambda source: None,
) -> Plan:
    """Pairs every source with a destination.

    Args:
        sources: files, folders, STREAM, URLs of files and folders. A file is taken whatever its name, unless its suffix
            is in `never`; a folder is walked, and files in it are taken when their suffix is in `accepted` (lower
            case, with the dot) and no part of the path starts with a dot. All others are counted in `left_out`,
            those with a suffix in `opposite` as expected.
        output: None (beside each source), STREAM, a file (one source that is a file) or a folder. A single source
            folder is mirrored straight into it; of several sources each folder keeps its name there.
        suffix: of the destination names, with the dot.
        existing: what to do with destinations that exist. An empty file is no work that `SKIP` would keep.
        folder: `output` is a folder even where it does not exist yet.
        keep_suffix: a.jpg becomes a.jpg.hpc instead of a.hpc.
        probe: says what is wrong with a source itself, which is asked where it would be its own destination.

    No destination is a source of the plan, whatever links lead there.
    Raises UsageError where sources and output cannot go together. Problems of single files are collected in the plan.
    """
    if not sources:
        raise UsageError("no input given")
    into_folder = output is not None and output != STREAM and (folder or _is_folder(sources, output, suffix))
    errors: dict[Task, HpcmError] = {}
    tasks: dict[tuple[str, str], Task] = {}  # keyed so that a file reached in two ways is converted once
    left: dict[str, LeftOut] = {}
    for item in find(sources, accepted, opposite, never):
        if isinstance(item, LeftOut):
            left[_name(item.path)] = item
            continue
        task = _task(item, output, suffix, into_folder, existing is Existing.REPLACE, keep_suffix)
        pair = (_key(task.source), _key(task.destination)) if task.destination else (_name(task.source), "")
        if tasks.setdefault(pair, task) is task and item.error is not None:
            errors[task] = item.error
    if output is not None and not into_folder and len(tasks) > 1:
        raise UsageError(f"{len(tasks)} inputs cannot be written to one output ({output}); give a folder with -o")
    found = {} if existing is Existing.REPLACE else _existing(task.destination for task in tasks.values())
    for task, error in _problems(list(tasks.values()), set(found) if existing is Existing.REFUSE else set(), probe):
        errors.setdefault(task, error)
    able = [task for task in tasks.values() if task not in errors]
    there = {task for task in able if task.destination is not None and found.get(task.destination)}
    todo = (replace(t, replace=t.replace or t.destination in found) for t in able if t not in there)
    return Plan(tuple(todo), tuple(t for t in able if t in there), tuple(errors.items()), tuple(left.values()))


def _is_folder(sources: Sequence[Place], output: Place, suffix: str) -> bool:
    if _is_dir(output):
        return True
    several = len(sources) > 1 or (sources[0] != STREAM and _is_dir(sources[0]))
    if several and Path(output.name).suffix.lower() == suffix:
        raise UsageError(f"{output} is a file's name, and there may be many: give a folder with -o ({output}/ is one)")
    return several


def _is_dir(place: Place) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):
        return False


def _task(item: Source, output: Place | None, suffix: str, into_folder: bool, replace: bool, keep_suffix: bool) -> Task:
    if item.error is not None:
        return Task(item.path, None)
    beside: Place
    if item.path == STREAM:
        name, beside = Path(f"stdin{suffix}"), STREAM
    elif keep_suffix:
        name = item.relative.with_name(item.relative.name + suffix)
        beside = item.path.parent / name.name
    else:
        name, beside = item.relative.with_suffix(suffix), item.path.with_suffix(suffix)
    if output is None:
        return Task(item.path, beside, replace)
    return Task(item.path, output / name if into_folder else output, replace)


def _problems(
    tasks: Sequence[Task], forbidden: set[Place], probe: Callable[[Path], HpcmError | None]
) -> Iterator[tuple[Task, HpcmError]]:
    """Two sources with one destination, a destination that is a source, one that exists already."""
    key = _keys_of(tasks)
    users: defaultdict[str, list[Place]] = defaultdict(list)
    for task in tasks:
        if task.destination is not None and task.destination != STREAM:
            users[key(task.destination)].append(task.source)
    names = {_key(task.source) for task in tasks}
    files = {identity(task.source) for task in tasks if isinstance(task.source, Path)} - {None}
    for task in tasks:
        target = task.destination
        if target is None or target == STREAM:
            continue
        others = [path for path in users[key(target)] if path != task.source]
        if others:
            yield (
                task,
                OutputError(
                    f"{target} would come from {others[0]} too; --keep-suffix keeps them apart,"
                    " or convert one of them elsewhere with -o"
                ),
            )
        elif _key(target) in names or (isinstance(target, Path) and identity(target) in files):
            own = probe(target) if isinstance(target, Path) and target == task.source else None
            yield task, own or OutputError(f"{target} is an input as well; choose another name with -o")
        elif isinstance(target, Path) and (other := _other_picture(target)):
            yield task, OutputError(f"{target} is a link to {other}, which would be lost; choose another name with -o")
        elif target in forbidden:
            yield task, OutputError(f"{target} exists; use --force to replace it or --skip-existing to keep it")


def _other_picture(target: Path) -> str | None:
    """The picture of another kind that a link leads to: nobody means it to be replaced, not even with --force."""
    if not os.path.islink(target):  # noqa: PTH114 (never raises)
        return None
    real = Path(os.path.realpath(target))
    suffix = real.suffix.lower()
    return str(real) if suffix in PICTURES | CODED and suffix != target.suffix.lower() and real.exists() else None


class _keys_of:
    """`_key` of destinations, with small letters where the file system takes A and a for one."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        spellings: defaultdict[str, set[str]] = defaultdict(set)
        for task in tasks:
            if isinstance(task.destination, Path):
                spellings[_key(task.destination).casefold()].add(_key(task.destination))
        alike = (names for names in spellings.values() if len(names) > 1)
        self._folded = {name for names in alike for name in names if ignores_case(Path(name).parent)}

    def __call__(self, path: Place) -> str:
        key = _key(path)
        return key.casefold() if key in self._folded else key


def _key(path: Place) -> str:
    """Equal for two spellings of one file name."""
    return str(path) if isinstance(path, Url) else spelling(path)


def _name(path: Place) -> str:
    """Equal for one entry of a folder; links are entries of their own."""
    return str(path) if isinstance(path, Url) else os.path.normcase(os.path.abspath(path))  # noqa: PTH100 (resolve follows links)


def _existing(places: Iterable[Place | None]) -> dict[Place, bool]:
    """Those that exist -> whether anything is in them; STREAM, devices and pipes never do."""
    wanted = [place for place in places if place is not None and place != STREAM]
    found: dict[Place, bool] = {}
    for url, filled in existing_urls(place for place in wanted if isinstance(place, Url)).items():
        found[url] = filled
    for place in wanted:
        if isinstance(place, Path) and os.path.lexists(place) and not _is_special(place):
            found[place] = not _is_empty(place)
    return found


def _is_special(path: Path) -> bool:
    try:
        return is_special(path)
    except (OSError, ValueError):
        return False


def _is_empty(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size == 0
    except OSError:
        return False
