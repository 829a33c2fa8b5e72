"""Files that appear whole or not at all: written under another name in the same folder, then renamed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hpcmcodec.errors import OutputError


@contextmanager
def atomic_file(path: str | Path, *, overwrite: bool = True, like: os.stat_result | None = None) -> Iterator[BinaryIO]:
    """A file to write that becomes `path` when the block ends without an exception, and leaves nothing behind else.

    By then its data is on the disk, and the folder knows of it.
    overwrite: if False, an existing `path`, be it a link to nothing, is kept and OutputError raised, even if it
    appeared meanwhile; if True, links are followed, and the new file is open to no more people than the one before.
    like: of the file that this one was made of; it gets its permissions and times.
    A device, a pipe, or an open file's name below /dev/fd is written to directly.
    Raises OutputError for anything the file system refuses.
    """
    path = Path(path)
    try:
        if is_special(path):
            with path.open("wb") as special:
                yield special
            return
        if overwrite:
            path = Path(os.path.realpath(path))
        elif os.path.lexists(path):
            raise _exists(path)
        mode = _mode(path, like)
        temporary = path.with_name(f".hpcm-{os.urandom(8).hex()}.part")
        try:
            with _create(temporary, mode) as file:
                yield file
                file.flush()
                _dress(temporary, mode, like)
                os.fsync(file.fileno())
            _move(temporary, path, overwrite)
            sync_folder(path.parent)
        finally:  # after a rename there is nothing left to remove
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def atomic_write(
    path: str | Path, data: bytes | memoryview, *, overwrite: bool = True, like: os.stat_result | None = None
) -> None:
    """Make `data` the content of `path`; see `atomic_file`."""
    with atomic_file(path, overwrite=overwrite, like=like) as file:
        file.write(data)


def is_special(path: Path) -> bool:
    """Whether what is written there goes elsewhere: to a device, a pipe, a file that is open already (/dev/fd/3)."""
    if os.path.isdir(os.path.dirname(path)) and names_descriptor(path):  # noqa: PTH112, PTH120
        return path.exists()
    return path.exists() and not path.is_file() and not path.is_dir()


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it that are missing; they are on the disk afterwards. Raises OutputError."""
    missing = []
    try:
        for above in (folder, *folder.parents):
            if above.is_dir():
                break
            missing.append(above)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    for made in missing:
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def names_descriptor(path: Path) -> bool:
    """Whether a path is a name for a file that this process has open: /dev/fd/3, what `<(command)` gives."""
    parents = [path.parent]
    with suppress(OSError):
        parents.append((path.parent / path.readlink()).parent)
    real = [os.path.realpath(parent) for parent in parents]
    return any(parent == "/dev/fd" or (parent.startswith("/proc/") and parent.endswith("/fd")) for parent in real)


def _mode(path: Path, like: os.stat_result | None) -> int | None:
    """Permissions for the new file: those of what it replaces or of the source; in any case, nobody else may read it
    who may not read the source."""
    source = None if like is None else stat.S_IMODE(like.st_mode) & 0o777
    try:
        before = stat.S_IMODE(path.stat().st_mode) & 0o777
    except OSError:
        return source
    return before if source is None else before & (source | 0o700)


def _create(path: Path, mode: int | None) -> BinaryIO:
    """A new file; while it is written its owner alone may read it, unless there are no permissions to keep."""
    first = 0o666 if mode is None else 0o600

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, first)

    return open(path, "xb", opener=opener)


def _dress(path: Path, mode: int | None, like: os.stat_result | None) -> None:
    """Permissions and times, as far as the file system has them."""
    with suppress(OSError):
        if mode is not None:
            path.chmod(mode)
    with suppress(OSError):
        if like is not None:
            os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


def _move(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)  # fails if the path exists, unlike a rename
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise _exists(path) from None
        temporary.replace(path)


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path} exists; use --force to replace it")
