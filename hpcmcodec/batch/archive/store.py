"""One file put away: a picture as an hpc file that was read from the disk, decoded and compared; anything else, and
every picture that would lose more than was agreed to, byte for byte."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hpcmcodec.batch.archive.manifest import Entry, Manifest
from hpcmcodec.batch.archive.plan import StoreTask
from hpcmcodec.batch.convert import compare, limits
from hpcmcodec.batch.plan import Task
from hpcmcodec.batch.writing import Gate
from hpcmcodec.errors import CorruptError, HpcmError, InputError, OutputError
from hpcmcodec.forking import Lock, lazy_property
from hpcmcodec.formats.atomic import atomic_file, atomic_write, make_folder
from hpcmcodec.progress import part

if TYPE_CHECKING:
    from hpcmcodec.codec import Decoder, Encoder
    from hpcmcodec.codec.target import Target
    from hpcmcodec.formats.picture import Picture

_PIECE = 1 << 20
_SLACK = 0.1  # points of SSIMULACRA2: trials see deep pictures in 8 bits


@dataclass(frozen=True)
class Recipe:
    """How pictures are coded, and what is good enough: a decoded picture of less than `floor` dB is not taken.
    lossless: exactly, and nothing else is good enough. visually_lossless: so that nobody sees a difference, at whatever
    quality; the decoded picture is measured again."""

    quality: float = 90
    effort: int = 0
    model: str | None = None
    floor: float = 29.0
    lossless: bool = False
    visually_lossless: bool = False

    def encode(self, encoder: Encoder, picture: Picture) -> bytes:
        """The hpc file."""
        if self.lossless:
            return encoder.exactly(picture)
        if self.visually_lossless:
            return encoder.encode_to(picture, self._target, effort=self.effort).data
        return encoder.encode(picture, self.quality, effort=self.effort)

    def problem(self, psnr: float, picture: Picture, shown: Picture) -> str | None:
        """What is wrong with a decoded picture of this PSNR in dB."""
        if self.visually_lossless:
            from hpcmcodec.codec.reach import fidelity

            value = fidelity(picture, shown.pixels, self._target)
            least = (self._target.fidelity or 0) - _SLACK
            return None if value >= least else f"only {value:.1f} of SSIMULACRA2"
        return None if psnr >= self.floor else f"only {psnr:.1f} dB at quality {self.quality:g}"

    @property
    def _target(self) -> Target:
        from hpcmcodec.codec.target import VISUALLY_LOSSLESS, Target

        return Target(ssimulacra2=VISUALLY_LOSSLESS)


@dataclass(frozen=True)
class Stored:
    """What became of one file. written: now, and not in an earlier run."""

    entry: Entry
    bytes_in: int = 0
    bytes_out: int = 0
    written: bool = True
    incomplete: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def not_written(self) -> str:
        """Why nothing was written."""
        return "archived before"


class _CopyInsteadError(Exception):
    """A picture is better copied; says why."""


@dataclass
class StoreJob:
    """Puts files away and notes them in the manifest. Safe to call from several threads."""

    manifest: Manifest
    recipe: Recipe = field(default_factory=Recipe)
    threads: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None
    _lock: Any = field(default_factory=Lock, init=False, repr=False)

    @lazy_property
    def _coders(self) -> tuple[Encoder, Decoder]:
        from hpcmcodec.codec import Decoder, Encoder

        most = limits(self.max_pixels, self.max_memory)
        return Encoder(self.recipe.model, self.threads, most), Decoder(self.threads, most)

    def prepare(self) -> None:
        """Loads the model now, so that one that is missing is one error."""
        with self._lock:
            _ = self._coders

    def __call__(self, task: Task, gate: Gate) -> Stored:
        """Stores one file. Raises HpcmError or OSError; nothing is in its place then that was not there before."""
        assert isinstance(task, StoreTask) and isinstance(task.source, Path)
        if task.item.kind == "folder":
            entry = _folder(task)
        elif task.item.kind == "link":
            entry = _link(task, gate)
        else:
            before = task.source.stat()
            done = self._known(task)
            if done is not None:
                return done
            store = self._picture if task.item.kind == "picture" else _copy
            entry = store(task, before, gate)
            after = task.source.stat()
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise InputError(f"{task.source} was changed while it was read; run the same command again")
        if entry != task.known:
            self.manifest.add(entry)
            if task.known and task.known.stored != entry.stored:
                (task.folder / task.known.stored).unlink(missing_ok=True)
        return Stored(entry, entry.source_size, entry.stored_size, written=entry != task.known)

    def _known(self, task: StoreTask) -> Stored | None:
        """What an earlier run stored, if it still is what it was. Raises OutputError if the source has changed."""
        known = task.known
        if known is None or known.how in ("link", "folder"):
            return None
        if hash_of(task.source) != known.source_sha256:
            if task.replace:
                return None
            raise _changed(task, known)
        stored = task.folder / known.stored
        if not stored.is_file() or hash_of(stored) != known.stored_sha256:
            return None
        return Stored(known, known.source_size, known.stored_size, written=False)

    def _picture(self, task: StoreTask, before: os.stat_result, gate: Gate) -> Entry:
        """Stores a picture, coded where that is good, else as it is with the reason."""
        try:
            return self._coded(task, before, gate)
        except _CopyInsteadError as reason:
            return _copy(task, before, gate, str(reason))

    def _coded(self, task: StoreTask, before: os.stat_result, gate: Gate) -> Entry:
        from hpcmcodec.formats.pictures import read_picture

        with self._lock:
            encoder, decoder = self._coders
        source = task.source
        assert isinstance(source, Path)
        target = task.folder / task.item.coded
        with source.open("rb") as file:
            data = _all_of(file, self.max_memory)
        try:
            picture = read_picture(data, max_pixels=limits(self.max_pixels, None).max_pixels, admit=encoder.admit)
            if picture.warnings:  # something would be lost besides what the quality says
                raise _CopyInsteadError(picture.warnings[0])
            with part(0, 0.5):
                made = self.recipe.encode(encoder, picture)
        except HpcmError as error:
            raise _CopyInsteadError(str(error)) from error
        except MemoryError as error:
            raise _CopyInsteadError("not enough memory to code it") from error
        if len(made) >= len(data):
            raise _CopyInsteadError("it is smaller than its hpc file")
        _write(task, target, made, before, gate)
        try:
            from_disk = read_from_disk(target)
            if from_disk != made:
                raise CorruptError("what was written reads back changed; check the disk")
            with part(0.5, 1):
                shown = decoder.decode(from_disk)
                psnr = compare(picture, shown, 0 if self.recipe.lossless else None)
                problem = self.recipe.problem(psnr, picture, shown)
            if problem:
                raise _CopyInsteadError(problem)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, HpcmError):
                raise _CopyInsteadError(str(error)) from error
            raise
        return Entry(
            task.item.source,
            task.item.coded,
            "encoded",
            len(data),
            hashlib.sha256(data).hexdigest(),
            len(made),
            hashlib.sha256(made).hexdigest(),
            psnr=None if psnr == float("inf") else round(psnr, 3),
        )


def hash_of(path: Any) -> str:
    """SHA-256 of a file, hexadecimal, from the disk as far as the system can be made to read it again."""
    with Path(path).open("rb") as file:
        _forget(file)
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_from_disk(path: Path) -> bytes:
    """A file that was just written, read anew."""
    with path.open("rb") as file:
        _forget(file)
        return file.read()


def _forget(file: BinaryIO) -> None:
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _all_of(file: BinaryIO, max_memory: int | None) -> bytes:
    from hpcmcodec.codec.machine import machine_memory

    size = os.fstat(file.fileno()).st_size
    if size > (max_memory or machine_memory()):
        raise _CopyInsteadError("it is larger than the memory that there may be")
    return file.read(size)  # what has been added since shows in its status


def _write(task: StoreTask, target: Path, data: bytes, like: os.stat_result, gate: Gate) -> None:
    """Writes what was coded. What is there already is fine if it is the same: an earlier run got that far."""
    with gate.writing():
        make_folder(target.parent)
        try:
            atomic_write(target, data, overwrite=_may_replace(task, target), like=like)
        except OutputError:
            if not (target.is_file() and target.read_bytes() == data):
                raise


def _copy(task: StoreTask, before: os.stat_result, gate: Gate, why: str | None = None) -> Entry:
    """Copies a file, checked by its hash."""
    source, target = task.source, task.folder / task.item.copy
    assert isinstance(source, Path)
    digest, size = hashlib.sha256(), 0
    with gate.writing():
        make_folder(target.parent)
        try:
            with (
                source.open("rb") as original,
                atomic_file(target, overwrite=_may_replace(task, target), like=before) as file,
            ):
                while piece := original.read(_PIECE):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
            wanted = digest.hexdigest()
        except OutputError:
            wanted, size = hash_of(source), source.stat().st_size
            if not (target.is_file() and hash_of(target) == wanted):
                raise
    if hash_of(target) != wanted:
        raise CorruptError(f"{target}: what was written reads back changed; check the disk")
    return Entry(task.item.source, task.item.copy, "copied", size, wanted, size, wanted, why=why)


def _changed(task: StoreTask, known: Entry) -> OutputError:
    return OutputError(f"{task.source} has changed since it was archived; --force stores it anew over {known.stored}")


def _may_replace(task: StoreTask, target: Path) -> bool:
    """Only what this archive itself has put there for this source."""
    return task.known is not None and task.folder / task.known.stored == target


def _link(task: StoreTask, gate: Gate) -> Entry:
    """A link that leads where the source's does."""
    source, target = task.source, task.folder / task.item.copy
    assert isinstance(source, Path)
    text = os.readlink(source)  # noqa: PTH115 (Path would tidy the text up)
    known = task.known
    if known and (known.how, known.target) != ("link", text) and not task.replace:
        raise _changed(task, known)
    with gate.writing():
        if known and task.replace:
            (task.folder / known.stored).unlink(missing_ok=True)
        make_folder(target.parent)
        try:
            target.symlink_to(text)
        except FileExistsError:
            if not target.is_symlink() or os.readlink(target) != text:  # noqa: PTH115
                raise OutputError(f"{target} exists and is something else") from None
        except OSError as error:
            raise OutputError(f"cannot make the link {target}: {error.strerror or error}") from error
    return Entry(task.item.source, task.item.copy, "link", target=text)


def _folder(task: StoreTask) -> Entry:
    make_folder(task.folder / task.item.copy)
    return Entry(task.item.source, task.item.copy, "folder")
