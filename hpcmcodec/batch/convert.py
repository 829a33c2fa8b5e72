"""One file converted, with everything that a user wants to know about it afterwards."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hpcmcodec.batch.places import Place, Url
from hpcmcodec.batch.plan import STREAM, Task
from hpcmcodec.errors import CorruptError, HpcmError, LimitExceededError, OutputError
from hpcmcodec.formats.atomic import atomic_file

if TYPE_CHECKING:  # these load numpy and the kernels
    import numpy as np
    from numpy.typing import NDArray

    from hpcmcodec.codec import Decoder, Encoder
    from hpcmcodec.codec.target import Target
    from hpcmcodec.formats.container import Limits
    from hpcmcodec.formats.picture import Picture


class Gate(Protocol):
    """Says whether files may still be written; see `hpcmcodec.batch.run.Gate`."""

    def writing(self) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class Converted:
    """What came out: sizes in pixels and bytes, wall time of reading, coding and writing.

    `psnr` (dB, over all colour samples of the picture) is known only after a verified encode. `incomplete`: the
    hpc file was cut off.
    """

    width: int
    height: int
    bytes_in: int
    bytes_out: int
    seconds: float
    coded_bytes: int
    coded_pixels: int
    verified: bool = False
    psnr: float | None = None
    warnings: tuple[str, ...] = ()
    incomplete: bool = False

    @property
    def bits_per_pixel(self) -> float:
        """Bits of the hpc file for every pixel of the picture in it, which may be larger than what was decoded."""
        return 8 * self.coded_bytes / self.coded_pixels

    def to_dict(self) -> dict[str, Any]:
        values = asdict(self)
        del values["coded_bytes"], values["coded_pixels"]
        if self.psnr == float("inf"):  # which JSON cannot say
            values["psnr"] = None
        return values | {"bits_per_pixel": self.bits_per_pixel, "warnings": list(self.warnings)}


class _Named(BytesIO):
    """Bytes with a name, which messages about them use."""

    def __init__(self, data: bytes, source: Place) -> None:
        super().__init__(data)
        self.name = "standard input" if source == STREAM else str(source)


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What both directions share. Jobs are equal where their options are, and travel without what they have loaded."""

    threads: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None
    strip: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @cached_property
    def _decoder(self) -> Decoder:
        from hpcmcodec.codec import Decoder

        return Decoder(self.threads, limits(self.max_pixels, self.max_memory))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **{f.name: getattr(self, f.name) for f in fields(self) if f.init}), ()


@dataclass(frozen=True, kw_only=True)
class EncodeJob(_Job):
    """Makes hpc files of pictures. Safe to call from several threads; the model is loaded at the first call.

    `verify` decodes what was made and compares it with the picture before the file gets its name. `target`: a size or
    PSNR that each file has to meet, instead of `quality`. `effort`: 0 (fastest) to 9.
    """

    quality: int = 50
    target: Target | None = None
    effort: int = 0
    model: str | Path | None = None
    verify: bool = False

    @cached_property
    def _encoder(self) -> Encoder:
        from hpcmcodec.codec import Encoder

        return Encoder(self.model, self.threads, limits(self.max_pixels, self.max_memory))

    def __call__(self, task: Task, gate: Gate) -> Converted:
        """Converts one file. Raises HpcmError or OSError; then the destination is as it was before."""
        from hpcmcodec.formats.picture_input import read_picture

        start = time.perf_counter()
        source, size = _source(task.source)
        with self._lock:  # cached_property itself does not lock
            encoder = self._encoder
            decoder = self._decoder if self.verify else None
        max_pixels = limits(self.max_pixels, None).max_pixels
        picture = read_picture(source, max_pixels=max_pixels, admit=encoder.admit)
        if self.target is None:
            data = encoder.encode(picture, self.quality, strip=self.strip, effort=self.effort)
        else:
            data = encoder.encode_to(picture, self.target, strip=self.strip, effort=self.effort)
        psnr = compare(picture, decoder.decode(data), stripped=self.strip) if decoder else None
        write_bytes(task, data, gate, check=self.verify)
        height, width = picture.pixels.shape[:2]
        seconds = time.perf_counter() - start
        return Converted(
            width,
            height,
            size,
            len(data),
            seconds,
            len(data),
            width * height,
            self.verify,
            psnr,
            picture.warnings,
        )

    def prepare(self) -> None:
        """Loads the model now, so that one that is missing is one error and not one for each file."""
        with self._lock:
            _ = self._encoder


@dataclass(frozen=True, kw_only=True)
class DecodeJob(_Job):
    """Makes pictures of hpc files. Safe to call from several threads.

    `format`: of the pictures (png, jpeg, ...), None goes by the suffix of the destination. `region`: (left, top, width,
    height) in pixels of the part to decode, None for all. `allow_truncated`: decode what is there of files that were
    cut off. `scale`: 2, 4 or 8 for pictures as much smaller.
    """

    format: str | None = None
    region: tuple[int, int, int, int] | None = None
    allow_truncated: bool = False
    scale: int = 1

    def __call__(self, task: Task, gate: Gate) -> Converted:
        """Converts one file. Raises HpcmError or OSError; then the destination is as it was before."""
        from hpcmcodec.formats.picture_output import encode_picture, format_of

        start = time.perf_counter()
        name = self.format or ("png" if task.destination in (None, STREAM) else format_of(str(task.destination)))
        data = read_coded(task.source, self.max_memory)
        with self._lock:
            decoder = self._decoder
        picture = decoder.decode(data, self.region, allow_truncated=self.allow_truncated, scale=self.scale)
        if self.strip:
            picture = replace(picture, icc=None, exif=None, xmp=None)
        encoded, lost = encode_picture(picture, name)
        write_bytes(task, encoded, gate)
        height, width = picture.pixels.shape[:2]
        seconds = time.perf_counter() - start
        return Converted(
            width,
            height,
            len(data),
            len(encoded),
            seconds,
            len(data),
            height * width if self.region is None and self.scale == 1 else self._pixels_of(data),
            warnings=picture.warnings + lost,
            incomplete=picture.incomplete,
        )

    def _pixels_of(self, data: bytes) -> int:
        """Of the whole picture in a file."""
        from hpcmcodec.formats import container

        header = container.read(data, self._decoder.limits, self.allow_truncated).header
        return header.width * header.height

    def prepare(self) -> None:
        """Nothing: which model is needed depends on the file."""


def limits(max_pixels: int | None, max_memory: int | None) -> Limits:
    """What a coder is to refuse. None: as `Limits` has it."""
    from hpcmcodec.formats.container import Limits

    made = Limits(max_memory=max_memory)
    return made if max_pixels is None else replace(made, max_pixels=max_pixels)


def _source(source: Place) -> tuple[Path | _Named, int]:
    """What `read_picture` takes, and its size in bytes. A file on a disk is left there: it may be refused unread."""
    if source != STREAM and isinstance(source, Path) and source.is_file():
        return source, source.stat().st_size
    data = read_bytes(source)
    return _Named(data, source), len(data)


def read_bytes(source: Place) -> bytes:
    """Everything in a file, local or remote, or, for STREAM, in standard input."""
    return sys.stdin.buffer.read() if source == STREAM else source.read_bytes()


def read_coded(source: Place, max_memory: int | None = None) -> bytes:
    """An hpc file. Of a local file that does not begin like one no more than its beginning: it may be of any size.

    Raises LimitExceededError for a file larger than the memory that there may be (None: that of the machine).
    """
    if source == STREAM or not isinstance(source, Path):
        return read_bytes(source)
    from hpcmcodec.codec.memory import machine_memory, readable
    from hpcmcodec.formats.container import SIGNATURE

    with source.open("rb") as file:
        start = file.peek(16)[:16]
        if not start.startswith(SIGNATURE):
            return start
        size, most = os.fstat(file.fileno()).st_size, max_memory or machine_memory()
        if size > most:
            raise LimitExceededError(
                f"the file has {readable(size)}, more than the limit of {readable(most)}; see --max-memory"
            )
        return file.read()


def write_bytes(task: Task, data: bytes, gate: Gate, *, check: bool = False) -> None:
    """Makes `data` the content of the task's destination, and folders for it. check: read it back and compare.

    A destination that exists and must not be replaced is fine if it has the same content already: then an earlier
    attempt got that far. Raises OutputError or StorageError; the destination then is as it was before.
    """
    if task.destination is None:
        raise OutputError(f"{task.source} has no destination")
    if task.destination == STREAM:
        rest = memoryview(data)
        while rest:  # unbuffered standard output (PYTHONUNBUFFERED) may take a part only
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
        return
    with gate.writing():
        try:
            if isinstance(task.destination, Url):
                _write_url(task.destination, data, replace=task.replace, check=check)
            else:
                _write_file(task.destination, data, replace=task.replace, check=check)
        except OutputError:
            if task.replace or not _holds(task.destination, data):
                raise


def _write_file(path: Path, data: bytes, *, replace: bool, check: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    with atomic_file(path, overwrite=replace) as file:
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


def compare(picture: Picture, decoded: Picture, *, stripped: bool) -> float:
    """PSNR in dB between a picture and what its file decodes to.

    The decoder has compared the latents with the encoder's by their check value; what is left to compare here is what
    must be equal: size, channels, alpha and metadata. Raises CorruptError if something differs.
    """
    import numpy as np

    if decoded.pixels.shape != picture.pixels.shape:
        raise CorruptError(f"verification failed: decoded to {decoded.pixels.shape}, not {picture.pixels.shape}")
    if not _equal(picture.alpha, decoded.alpha):
        raise CorruptError("verification failed: the alpha channel came back changed")
    for name in ("icc", "exif", "xmp"):
        expected = None if stripped else getattr(picture, name)
        if (getattr(decoded, name) or None) != (expected or None):
            raise CorruptError(f"verification failed: the {name.upper()} data came back changed")
    difference = picture.pixels.astype(np.float32) - decoded.pixels
    error = float(np.mean(np.square(difference, out=difference), dtype=np.float64))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def _equal(one: NDArray[np.uint8] | None, other: NDArray[np.uint8] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool((one == other).all())
