"""One file converted, with everything that a user wants to know about it afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcmcodec.batch.found import STREAM
from hpcmcodec.batch.places import Place
from hpcmcodec.batch.plan import Task
from hpcmcodec.batch.reading import read_bytes, read_coded
from hpcmcodec.batch.shaping import Shape
from hpcmcodec.batch.writing import Gate, write_bytes
from hpcmcodec.errors import CorruptError
from hpcmcodec.forking import Lock, lazy_property
from hpcmcodec.progress import part

if TYPE_CHECKING:  # these load numpy and the kernels
    from hpcmcodec.codec import Decoder, Encoder
    from hpcmcodec.codec.target import Target
    from hpcmcodec.formats.limits import Limits
    from hpcmcodec.formats.picture import Picture, Samples


@dataclass(frozen=True)
class Converted:
    """What came out: sizes in pixels and bytes, wall time of reading, coding and writing.

    `psnr` (dB, over all colour samples of the picture) is known only after a verified encode. `incomplete`: the
    hpc file was cut off. `written`: whether there is a file now; see `EncodeJob.keep_smaller`.
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
    written: bool = True

    @property
    def not_written(self) -> str:
        """Why there is no file."""
        return "the hpc file would be larger"

    @property
    def bits_per_pixel(self) -> float:
        """Bits of the hpc file for every pixel of the picture in it, which may be larger than what was decoded."""
        return 8 * self.coded_bytes / self.coded_pixels

    def to_dict(self) -> dict[str, Any]:
        values = asdict(self)
        del values["coded_bytes"], values["coded_pixels"], values["written"]
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
    """What both directions share. Jobs are equal where their options are, and travel without what they have loaded.

    `strip`: kinds of metadata to leave out, see `formats.strip`. `model`: to encode with, or one to decode with besides
    the installed ones.
    """

    threads: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None
    strip: Iterable[str] | bool = ()
    model: str | Path | None = None
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @lazy_property
    def _decoder(self) -> Decoder:
        from hpcmcodec.codec import Decoder

        return Decoder(self.threads, limits(self.max_pixels, self.max_memory), self.model)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **{f.name: getattr(self, f.name) for f in fields(self) if f.init}), ()


@dataclass(frozen=True, kw_only=True)
class EncodeJob(_Job):
    """Makes hpc files of pictures. Safe to call from several threads; the model is loaded at the first call.

    `verify` decodes what was made and compares it with the picture before the file gets its name. `target`: a size or
    fidelity that each file has to meet, instead of `quality`; what comes nearest is written, with a warning.
    `near_lossless`: no sample of colour may differ by more, 0 is lossless; with a `quality` of None in a file that
    needs no model, else on top of a learned picture. `effort`: 0 (fastest) to 9. `shape`: what is done with the
    picture first. `keep_smaller`: write nothing where the file would be larger than its source. `bits`: 8 to round
    pictures that have more, None to keep them.
    """

    quality: float | None = 50
    near_lossless: int | None = None
    target: Target | None = None
    effort: int = 0
    verify: bool = False
    shape: Shape | None = None
    keep_smaller: bool = False
    bits: int | None = None

    @lazy_property
    def _encoder(self) -> Encoder:
        from hpcmcodec.codec import Encoder

        return Encoder(self.model, self.threads, limits(self.max_pixels, self.max_memory))

    def __call__(self, task: Task, gate: Gate) -> Converted:
        """Converts one file. Raises HpcmError or OSError; then the destination is as it was before."""
        from hpcmcodec.formats.depth import in_8_bits
        from hpcmcodec.formats.picture_input import read_picture
        from hpcmcodec.formats.strip import stripped

        start = time.perf_counter()
        source, size = _source(task.source, self.max_memory)
        with self._lock:  # lazy_property itself does not lock
            encoder = None if self._model_free else self._encoder
            decoder = self._decoder if self.verify else None
        max_pixels = limits(self.max_pixels, None).max_pixels
        picture = read_picture(source, max_pixels=max_pixels, admit=encoder.admit if encoder else None)
        if self.shape is not None:
            picture = self.shape(picture)
        picture = stripped(picture, self.strip)
        if self.bits == 8:
            picture = in_8_bits(picture)
        with part(0, 0.5 if decoder else 1):
            data, missed = self._encode(encoder, picture)
        psnr = None
        kept = self.keep_smaller and len(data) > size
        if decoder is not None and not kept:
            with part(0.5, 1):
                psnr = compare(picture, decoder.decode(data), self.near_lossless)
        if not kept:
            write_bytes(task, data, gate, check=self.verify)
        height, width = picture.pixels.shape[:2]
        return Converted(
            width,
            height,
            size,
            len(data),
            time.perf_counter() - start,
            len(data),
            width * height,
            psnr is not None,
            psnr,
            picture.warnings + picture.notes + missed,
            written=not kept,
        )

    @property
    def _model_free(self) -> bool:
        return self.near_lossless is not None and self.quality is None

    def _encode(self, encoder: Encoder | None, picture: Picture) -> tuple[bytes, tuple[str, ...]]:
        """The file, and what is to be told of it."""
        if encoder is None:
            from hpcmcodec.codec.encoder import encode_exactly

            most = limits(self.max_pixels, self.max_memory)
            return encode_exactly(picture, self.near_lossless or 0, limits=most, effort=self.effort), ()
        if self.target is None:
            quality, near = 50 if self.quality is None else self.quality, self.near_lossless
            return encoder.encode(picture, quality, effort=self.effort, near_lossless=near), ()
        reached = encoder.encode_to(picture, self.target, effort=self.effort)
        return reached.data, (reached.missed,) if reached.missed else ()

    def prepare(self) -> None:
        """Loads the model now, so that one that is missing is one error and not one for each file."""
        with self._lock:
            _ = None if self._model_free else self._encoder


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
        from hpcmcodec.formats.samples import samples_of

        if self.strip:
            from hpcmcodec.formats.strip import stripped

        start = time.perf_counter()
        name = self.format or ("png" if task.destination in (None, STREAM) else format_of(str(task.destination)))
        data = read_coded(task.source, self.max_memory)
        with self._lock:
            decoder = self._decoder
        decoded = decoder.samples(data, self.region, allow_truncated=self.allow_truncated, scale=self.scale)
        if self.strip:
            decoded = samples_of(stripped(decoded.picture, self.strip), decoded.pixels_of_file)
        encoded, lost = encode_picture(decoded, name)
        write_bytes(task, encoded, gate)
        seconds = time.perf_counter() - start
        return Converted(
            decoded.width,
            decoded.height,
            len(data),
            len(encoded),
            seconds,
            len(data),
            decoded.pixels_of_file,
            warnings=decoded.warnings + decoded.notes + lost,
            incomplete=decoded.incomplete,
        )

    def prepare(self) -> None:
        """Loads the model that was named; which others are needed depends on the file."""
        with self._lock:
            _ = self._decoder


def limits(max_pixels: int | None, max_memory: int | None) -> Limits:
    """What a coder is to refuse. None: as `Limits` has it."""
    from hpcmcodec.formats.limits import Limits

    made = Limits(max_memory=max_memory)
    return made if max_pixels is None else replace(made, max_pixels=max_pixels)


def _source(source: Place, max_memory: int | None) -> tuple[Path | _Named, int]:
    """What `read_picture` takes, and its size in bytes. A file on a disk is left there: it may be refused unread."""
    if source != STREAM and isinstance(source, Path) and source.is_file():
        return source, source.stat().st_size
    data = read_bytes(source, max_memory)
    return _Named(data, source), len(data)


def compare(picture: Picture, decoded: Picture, near: int | None = None) -> float:
    """PSNR in dB between a picture and what its file decodes to; near: the greatest error that there may be.

    The decoder has compared the latents with the encoder's by their check value; what is left to compare here is what
    must be equal: size, channels, alpha and metadata. Raises CorruptError if something differs.
    """
    import numpy as np

    if decoded.pixels.shape != picture.pixels.shape:
        raise CorruptError(f"verification failed: decoded to {decoded.pixels.shape}, not {picture.pixels.shape}")
    if not _equal(picture.alpha, decoded.alpha):
        raise CorruptError("verification failed: the alpha channel came back changed")
    for name in ("icc", "exif", "xmp"):
        expected = getattr(picture, name)
        if (getattr(decoded, name) or None) != (expected or None):
            raise CorruptError(f"verification failed: the {name.upper()} data came back changed")
    if decoded.cicp != picture.cicp:
        raise CorruptError("verification failed: the colour's code points came back changed")
    difference = picture.pixels.astype(np.float32) - decoded.pixels
    if near is not None and np.abs(difference).max() > near:
        raise CorruptError(f"verification failed: samples came back changed by more than {near}")
    error = float(np.mean(np.square(difference, out=difference), dtype=np.float64))
    return float("inf") if error == 0 else float(10 * np.log10((2**picture.depth - 1) ** 2 / error))


def _equal(one: Samples | None, other: Samples | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool((one == other).all())
