"""Bytes of destinations: files that appear whole or not at all and never over a source, URLs, standard output."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

from hpcmcodec.batch.found import STREAM
from hpcmcodec.batch.places import Place, Url
from hpcmcodec.batch.plan import Task
from hpcmcodec.errors import HpcmError, OutputError
from hpcmcodec.formats.atomic import atomic_file, make_folder
from hpcmcodec.formats.paths import keep_sources


class Gate(Protocol):
    """Says whether files may still be written; see `hpcmcodec.batch.run.Gate`."""

    def writing(self) -> AbstractContextManager[None]: ...


def write_bytes(task: Task, data: bytes, gate: Gate, *, check: bool = False) -> None:
    """Makes `data` the content of the task's destination, and folders for it. check: read it back and compare.

    A new file gets the permissions and times of its source. A destination that exists and must not be replaced is fine
    if it has the same content already: then an earlier attempt got that far.
    Raises OutputError or StorageError; the destination then is as it was before.
    """
    if task.destination is None:
        raise OutputError(f"{task.source} has no destination")
    if task.destination == STREAM:
        write_stream(data)
        return
    with gate.writing():
        try:
            if isinstance(task.destination, Url):
                _write_url(task.destination, data, replace=task.replace, check=check)
            else:
                _write_file(task.source, task.destination, data, replace=task.replace, check=check)
        except OutputError:
            if task.replace or not _holds(task.destination, data):
                raise


def write_stream(data: bytes | memoryview) -> None:
    """Writes to standard output. Raises OutputError, BrokenPipeError where its reader went away."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        rest = memoryview(data)
        while rest:  # unbuffered standard output (PYTHONUNBUFFERED) may take a part only
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror or error}") from error


def status_of(source: Place) -> os.stat_result | None:
    """Of a source that is a file of this machine."""
    if source != STREAM and isinstance(source, Path):
        with suppress(OSError):
            return source.stat() if source.is_file() else None
    return None


def _write_file(source: Place, path: Path, data: bytes, *, replace: bool, check: bool) -> None:
    if source != STREAM and isinstance(source, Path):
        keep_sources(path, [source])  # once more: the plan may be old
    make_folder(path.parent)
    with atomic_file(path, overwrite=replace, like=status_of(source)) as file:
        file.write(data)
        file.flush()
        written = Path(file.name)
        if check and written.is_file() and written.read_bytes() != data:
            raise OutputError(f"{path}: what was written reads back changed; check the disk")


def _write_url(url: Url, data: bytes, *, replace: bool, check: bool) -> None:
    if not replace and url.exists():
        raise OutputError(f"{url} exists; use --force to replace it")
    url.write_bytes(data)
    if check and url.read_bytes() != data:
        raise OutputError(f"{url}: what was written reads back changed")


def _holds(destination: Place, data: bytes) -> bool:
    try:
        return destination.read_bytes() == data
    except (OSError, HpcmError):
        return False
