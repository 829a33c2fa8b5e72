"""Which file of a folder is stored where. Every name that the folder has comes out as something."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from hpcmcodec.batch.archive.manifest import NAME, Entry, Manifest
from hpcmcodec.batch.found import PICTURES, LeftOut, special_kind
from hpcmcodec.batch.plan import Plan, Task
from hpcmcodec.errors import HpcmError, InputError, OutputError, UsageError
from hpcmcodec.formats.paths import ignores_case, spelling

CODED_SUFFIX = ".hpc"


@dataclass(frozen=True)
class Item:
    """Something in the source folder: its path there, what it is, and its names in the archive if it is copied and if
    it is coded."""

    source: str
    kind: Literal["picture", "file", "link", "folder"]
    copy: str = ""
    coded: str = ""


@dataclass(frozen=True)
class StoreTask(Task):
    """An item with the archive's folder, and what an earlier run made of it."""

    item: Item = field(kw_only=True)
    folder: Path = field(kw_only=True)
    known: Entry | None = field(kw_only=True)


def archive_plan(source: Path, folder: Path, manifest: Manifest, *, force: bool = False) -> Plan:
    """Tasks for everything in a folder, hidden files included; pipes, sockets and devices, which hold nothing, are left
    out. Links to folders stay links; a link to a file is stored as the file.

    a.jpg is stored as a.hpc; where something else wants this name, as a.jpg.hpc. What a manifest knows keeps its name.
    force: what has changed since it was archived may be replaced.
    Raises UsageError where one folder lies in the other, InputError or OutputError where they cannot be.
    """
    _check(source, folder)
    items: list[Item] = []
    failures: list[tuple[Task, HpcmError]] = []
    left: list[LeftOut] = []
    for found in _walk(source):
        if isinstance(found, Item):
            items.append(found)
        elif isinstance(found, LeftOut):
            left.append(found)
        else:
            failures.append(found)
    named = _named(items, manifest, fold=str.casefold if ignores_case(folder) else str)
    tasks = tuple(
        StoreTask(
            source / item.source,
            folder / item.copy,
            force,
            item=item,
            folder=folder,
            known=manifest.get(item.source),
        )
        for item in named
    )
    return Plan(tasks, (), tuple(failures), tuple(left))


def missed(source: Path, plan: Plan) -> list[tuple[Task, HpcmError]]:
    """What is in the folder now and was not when the plan was made."""
    planned = {str(task.source) for task in plan.tasks} | {str(task.source) for task, _ in plan.failures}
    error = InputError("appeared while the archive was made; run the same command again")
    paths = (source / item.source for item in _walk(source) if isinstance(item, Item))
    return [(Task(path, None), error) for path in paths if str(path) not in planned]


def _check(source: Path, folder: Path) -> None:
    if not source.is_dir():
        raise InputError(f"{source}: no such folder")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder")
    one, other = Path(spelling(source)), Path(spelling(folder))
    if one == other or one in other.parents or other in one.parents:
        raise UsageError(f"{source} and {folder} must not lie in one another")


def _walk(root: Path) -> Iterator[Item | LeftOut | tuple[Task, HpcmError]]:
    unreadable: list[OSError] = []
    for path, folders, files in os.walk(root, onerror=unreadable.append):
        folders.sort()
        below = Path(path).relative_to(root)
        if not folders and not files and below != Path():
            yield Item(below.as_posix(), "folder")
        for name in folders:
            if Path(path, name).is_symlink():
                yield Item((below / name).as_posix(), "link")
        for name in sorted(files):
            yield _item(root, (below / name).as_posix())
    for failure in unreadable:
        closed = Path(str(failure.filename))
        yield Task(closed, None), InputError(f"{closed}: folder cannot be read ({failure.strerror})")


def _item(root: Path, source: str) -> Item | LeftOut | tuple[Task, HpcmError]:
    path = root / source
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink():
            return Item(source, "link")
        return Task(path, None), InputError(f"{path}: {error.strerror or error}")
    special = special_kind(mode)
    if special:
        return LeftOut(path, special)
    if not stat.S_ISREG(mode):  # a link to a folder of which the walk did not know
        return Item(source, "link")
    return Item(source, "picture" if path.suffix.lower() in PICTURES else "file")


def _named(items: list[Item], manifest: Manifest, fold: Callable[[str], str]) -> list[Item]:
    """The items with their names in the archive, all of them different."""
    taken = {fold(NAME)} | {fold(entry.stored) for entry in manifest}

    def claim(*candidates: str) -> str:
        name = next((one for one in candidates if fold(one) not in taken), "")
        number = 0
        while not name:
            number += 1
            path = PurePosixPath(candidates[-1])
            other = str(path.with_name(f"{path.stem}.{number}{path.suffix}"))
            name = "" if fold(other) in taken else other
        taken.add(fold(name))
        return name

    wanted = Counter(fold(_coded(item.source)) for item in items if item.kind == "picture")
    copies: dict[str, str] = {}
    for item in items:  # first: what is copied keeps its name
        known = manifest.get(item.source)
        copies[item.source] = known.stored if known and known.how != "encoded" else claim(item.source)
    named = []
    for item in items:
        known, coded = manifest.get(item.source), ""
        if known and known.how == "encoded":
            coded = known.stored
        elif item.kind == "picture":
            short, long = _coded(item.source), item.source + CODED_SUFFIX
            coded = claim(long) if wanted[fold(short)] > 1 else claim(short, long)
        named.append(Item(item.source, item.kind, copies[item.source], coded))
    return named


def _coded(source: str) -> str:
    return str(PurePosixPath(source).with_suffix(CODED_SUFFIX))
