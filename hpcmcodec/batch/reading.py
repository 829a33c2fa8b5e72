"""Bytes of sources. What may go on for ever (standard input, a pipe, a device, a server) is read up to a limit only."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from hpcmcodec.batch.found import STREAM
from hpcmcodec.batch.places import Place, Url
from hpcmcodec.errors import InputError, LimitExceededError

_PIECE = 1 << 20
_HEAD = 16
_SHARE = 4
"""Of the machine's memory, this part may be filled from what has no end, where nobody says how much."""


def read_bytes(source: Place, max_memory: int | None = None) -> bytes:
    """Everything in a file, local or remote, or, for STREAM, in standard input.

    Raises LimitExceededError where there is more than `max_memory` bytes (None: than a part of the machine's memory).
    """
    with _opened(source) as file:
        return _read(file, b"", _most(max_memory))


def read_coded(source: Place, max_memory: int | None = None) -> bytes:
    """An hpc file. Of what does not begin like one no more than its beginning: it may be of any size.

    Errors as `read_bytes`; a local file that is too large is refused before it is read.
    """
    from hpcmcodec.formats.limits import SIGNATURE

    with _opened(source) as file:
        head = _exactly(file, _HEAD)
        if not head.startswith(SIGNATURE):
            return head
        most = _most(max_memory)
        if source != STREAM and isinstance(source, Path):
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size > most:
                raise too_large(f"the file has {status.st_size} bytes", most)
        return _read(file, head, most)


def too_large(what: str, most: int) -> LimitExceededError:
    """The error of something that is larger than the memory that there may be."""
    from hpcmcodec.codec.machine import readable

    return LimitExceededError(f"{what}, more than the limit of {readable(most)}; see --max-memory")


def _most(max_memory: int | None) -> int:
    if max_memory is not None:
        return max_memory
    from hpcmcodec.codec.machine import machine_memory

    return int(machine_memory()) // _SHARE


@contextmanager
def _opened(source: Place) -> Iterator[BinaryIO]:
    if source == STREAM:
        if sys.stdin is None:
            raise InputError("standard input is closed")
        yield sys.stdin.buffer
    elif isinstance(source, Url):
        with source.open() as remote:
            yield remote
    else:
        with source.open("rb") as file:
            yield file


def _exactly(file: BinaryIO, count: int) -> bytes:
    """So many bytes, fewer only at the end: a pipe gives what it has."""
    data = b""
    while len(data) < count and (more := file.read(count - len(data))):
        data += more
    return data


def _read(file: BinaryIO, head: bytes, most: int) -> bytes:
    data = BytesIO()
    data.write(head)
    while piece := file.read(_PIECE):
        data.write(piece)
        if data.tell() > most:
            raise too_large("the input goes on and on", most)
    return data.getvalue()
