"""Files that appear whole or not at all: written under another name in the same folder, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hpcmcodec.errors import OutputError


@contextmanager
def atomic_file(path: str | Path, *, overwrite: bool = True, sync: bool = False) -> Iterator[BinaryIO]:
    """A file to write that becomes `path` when the block ends without an exception, and leaves nothing behind else.

    overwrite: if False, an existing `path` is kept and OutputError raised, even if it appeared meanwhile.
    sync: wait until the data is on the disk. A link is followed; a device or pipe is written to directly.
    Raises OutputError for anything the file system refuses.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as special:
                yield special
            return
        temporary = path.with_name(f".hpcm-{os.urandom(8).hex()}.part")
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            _move(temporary, path, overwrite)
        finally:  # after a rename there is nothing left to remove
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def atomic_write(path: str | Path, data: bytes | memoryview, *, overwrite: bool = True, sync: bool = False) -> None:
    """Make `data` the content of `path`; see `atomic_file`."""
    with atomic_file(path, overwrite=overwrite, sync=sync) as file:
        file.write(data)


def _move(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)  # fails if the path exists, unlike a rename
    except FileExistsError:
        raise OutputError(f"{path} exists; use --force to replace it") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise OutputError(f"{path} exists; use --force to replace it") from None
        temporary.replace(path)
