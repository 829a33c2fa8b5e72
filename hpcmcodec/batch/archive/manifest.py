"""What an archive holds: `hpcm-manifest.jsonl` in its folder, one JSON object per line.

    {"hpcm_archive": 1}                     the first line
    {"source": ..., "stored": ..., ...}     an `Entry`; of several for one source the last counts
    {"entries": 3, "sha256": ...}           the seal: of all bytes before, written when every file had been checked

Lines are added while files are stored, so that an interrupted run goes on; the seal is the last line of a whole
archive. Paths are relative, with slashes. Bytes of names that are no text are lone surrogates, as Python has them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hpcmcodec.errors import CorruptError, InputError, OutputError
from hpcmcodec.forking import Lock
from hpcmcodec.formats.atomic import atomic_write, make_folder

NAME = "hpcm-manifest.jsonl"
VERSION = 1

How = Literal["encoded", "copied", "link", "folder"]


@dataclass(frozen=True)
class Entry:
    """A file of the source and where it is stored. Sizes in bytes, hashes are SHA-256 in hexadecimal.

    how: `encoded` as an hpc file, `copied` byte for byte, a `link`, an empty `folder`. psnr: in dB, of what is encoded;
    None where that is without loss. why: a picture was copied. target: of a link.
    """

    source: str
    stored: str
    how: How
    source_size: int = 0
    source_sha256: str = ""
    stored_size: int = 0
    stored_sha256: str = ""
    psnr: float | None = None
    why: str | None = None
    target: str | None = None


class Manifest:
    """The entries of an archive, by source. Safe to add to from several threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.sealed = False
        self._entries: dict[str, Entry] = {}
        self._lock = Lock()

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """That of a folder; empty if it has none. Raises CorruptError, or InputError where it cannot be read."""
        manifest = cls(folder)
        try:
            data = manifest.path.read_bytes()
        except FileNotFoundError:
            return manifest
        except OSError as error:
            raise InputError(f"cannot read {manifest.path}: {error.strerror or error}") from error
        manifest._parse(data)
        return manifest

    def get(self, source: str) -> Entry | None:
        """The entry of a source."""
        return self._entries.get(source)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self) -> None:
        """Makes the file ready for `add`. Raises OutputError."""
        make_folder(self.path.parent)
        atomic_write(self.path, self._text().encode())
        self.sealed = False

    def add(self, entry: Entry) -> None:
        """Keeps an entry; it is on the disk afterwards. Raises OutputError."""
        with self._lock:
            self._entries[entry.source] = entry
            try:
                with self.path.open("ab") as file:
                    file.write(_line(asdict(entry)).encode())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error

    def seal(self) -> None:
        """Writes everything anew, in order, with the seal. Raises OutputError."""
        self._entries = dict(sorted(self._entries.items()))
        text = self._text()
        text += _line(_seal(text.encode(), len(self._entries)))
        atomic_write(self.path, text.encode())
        self.sealed = True

    def _text(self) -> str:
        lines = [{"hpcm_archive": VERSION}, *(asdict(entry) for entry in self)]
        return "".join(map(_line, lines))

    def _parse(self, data: bytes) -> None:
        lines = data.split(b"\n")
        position = 0
        for number, line in enumerate(lines, 1):
            last = number >= len(lines) - 1 and (number == len(lines) or not lines[-1])
            if line:
                try:
                    self._take(json.loads(line), data[:position])
                except (ValueError, TypeError, KeyError) as error:
                    if not last:  # the last one may have been cut off with the run
                        raise CorruptError(f"{self.path} is damaged in line {number}") from error
            position += len(line) + 1

    def _take(self, values: dict[str, Any], before: bytes) -> None:
        self.sealed = False
        if "hpcm_archive" in values:
            if values["hpcm_archive"] != VERSION:
                raise CorruptError(f"{self.path} was written by a newer hpcmcodec")
        elif "entries" in values:
            if values != _seal(before, values["entries"]):
                raise CorruptError(f"{self.path} was changed since the archive was made")
            self.sealed = True
        else:
            entry = Entry(**values)
            self._entries[entry.source] = entry


def _seal(data: bytes, count: int) -> dict[str, Any]:
    return {"entries": count, "sha256": hashlib.sha256(data).hexdigest()}


def _line(values: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in values.items() if value is not None}) + "\n"
