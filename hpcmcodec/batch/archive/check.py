"""An archive looked through: every file is there, is what it was, and decodes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcmcodec.batch.archive.manifest import NAME, Entry, Manifest
from hpcmcodec.batch.archive.store import Stored, hash_of, read_from_disk
from hpcmcodec.batch.convert import limits
from hpcmcodec.batch.plan import Plan, Task
from hpcmcodec.batch.writing import Gate
from hpcmcodec.errors import CorruptError, HpcmError, InputError
from hpcmcodec.forking import Lock, lazy_property

if TYPE_CHECKING:
    from hpcmcodec.codec import Decoder


@dataclass(frozen=True)
class CheckTask(Task):
    """An entry to look at."""

    entry: Entry = field(kw_only=True)


def check_plan(folder: Path, manifest: Manifest) -> Plan:
    """Tasks for all entries; a failure if the archive was not finished. Raises InputError where there is none."""
    if not len(manifest) and not manifest.path.exists():
        raise InputError(f"{folder} is no archive: it has no {NAME}")
    failures: list[tuple[Task, HpcmError]] = []
    if not manifest.sealed:
        error = InputError("the archive was not finished: run the command that makes it again")
        failures.append((Task(manifest.path, None), error))
    return Plan(tuple(CheckTask(folder / entry.stored, None, entry=entry) for entry in manifest), (), tuple(failures))


def strangers(folder: Path, manifest: Manifest) -> int:
    """How many files in an archive's folder its manifest does not know."""
    known = {entry.stored for entry in manifest} | {NAME}
    found = (Path(path, name) for path, _, files in os.walk(folder) for name in files)
    return sum(path.relative_to(folder).as_posix() not in known for path in found)


@dataclass
class CheckJob:
    """Looks at one stored file. Safe to call from several threads."""

    threads: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None
    _lock: Any = field(default_factory=Lock, init=False, repr=False)

    @lazy_property
    def _decoder(self) -> Decoder:
        from hpcmcodec.codec import Decoder

        return Decoder(self.threads, limits(self.max_pixels, self.max_memory))

    def __call__(self, task: Task, gate: Gate) -> Stored:
        """Raises HpcmError or OSError for what is wrong."""
        assert isinstance(task, CheckTask) and isinstance(task.source, Path)
        entry, path = task.entry, task.source
        if entry.how == "folder":
            if not path.is_dir():
                raise InputError(f"{path}: no such folder")
        elif entry.how == "link":
            if not path.is_symlink() or os.readlink(path) != entry.target:  # noqa: PTH115
                raise CorruptError(f"{path} is not the link to {entry.target} that was stored")
        elif entry.how == "copied":
            _compare(path, hash_of(path), entry)
        else:
            data = read_from_disk(path)
            _compare(path, hashlib.sha256(data).hexdigest(), entry)
            with self._lock:
                decoder = self._decoder
            decoder.decode(data)
        return Stored(entry, entry.source_size, entry.stored_size)


def _compare(path: Path, digest: str, entry: Entry) -> None:
    if digest != entry.stored_sha256:
        raise CorruptError(f"{path} is not what was stored: its SHA-256 differs")
