"""Bytes -> picture: a call into the C++ core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpcmcodec.codec.machine import FILE_BYTES, PROCESS_BYTES, machine_memory
from hpcmcodec.forking import Lock
from hpcmcodec.formats.limits import Limits
from hpcmcodec.formats.samples import Samples
from hpcmcodec.kernels import decode as core
from hpcmcodec.kernels import runtime
from hpcmcodec.models import store
from hpcmcodec.progress import at

if TYPE_CHECKING:  # which load numpy
    from hpcmcodec.codec.model import CodecModel
    from hpcmcodec.formats.picture import Picture


class Decoder:
    """Decodes pictures; models stay loaded between pictures. Safe to share between threads.

    threads: of the kernels' pool, None leaves it as it is. limits: what to refuse. model: a name or a model file that
    is known besides the installed ones. Raises MissingModelError, ModelFileError.

    >>> from hpcmcodec import encode
    >>> decoder = Decoder()
    >>> picture = decoder.decode(encode("photo.png"), region=(8, 4, 20, 10))
    >>> picture.pixels.shape, picture.alpha
    ((10, 20, 1), None)
    """

    def __init__(
        self, threads: int | None = None, limits: Limits | None = None, model: str | Path | None = None
    ) -> None:
        if threads is not None:
            runtime.set_threads(threads)
        self.limits = limits or Limits()
        self._models: dict[bytes, core.Model] = {}
        self._lock = Lock()
        if model is not None:
            given = store.for_core(store.path_of(model))
            self._models[given.identity[:8]] = given

    def decode(
        self,
        data: bytes | memoryview,
        region: core.Region | None = None,
        *,
        allow_truncated: bool = False,
        scale: int = 1,
    ) -> Picture:
        """The picture of an hpc file, or the rectangle `region` (left, top, width, height in pixels) of it.

        scale: 2, 4 or 8 for a small picture of a half, a quarter or an eighth of the sides (rounded up), in about a
        third of the time: every pixel is the mean of a square of what the fast part of the synthesis gives.
        allow_truncated: of a file whose end is missing, decode the streams that are whole, coarser scales first; the
        picture is then `incomplete` and its warnings say what is missing.
        Raises the errors of `hpcmcodec.errors`: the bytes are not a sound hpc file, its model is missing, it is too
        large, or this machine's arithmetic does not give the encoder's latents; UsageError for a region outside.
        """
        return self.samples(data, region, allow_truncated=allow_truncated, scale=scale).picture

    def samples(
        self,
        data: bytes | memoryview,
        region: core.Region | None = None,
        *,
        allow_truncated: bool = False,
        scale: int = 1,
    ) -> Samples:
        """As `decode`, without numpy."""
        file = self.open(data, allow_truncated=allow_truncated)
        model = self.model_of(file) if file.learned else None
        most = machine_memory() if self.limits.max_memory is None else self.limits.max_memory
        reserved = _reserved(file, model, region)
        width, height, channels, depth, colours, alpha = core.decode(
            file, model, region, scale, max_memory=most, reserved=reserved, progress=_tell
        )
        return Samples(
            width,
            height,
            channels,
            colours,
            alpha,
            icc=file.icc,
            exif=file.exif,
            xmp=file.xmp,
            warnings=(what_is_there(file),) if file.truncated else (),
            incomplete=file.truncated,
            depth=depth,
            cicp=file.cicp,
            pixels_of_file=file.width * file.height,
        )

    def open(self, data: bytes | memoryview, *, allow_truncated: bool = False) -> core.File:
        """A file's structure, within the limits. Errors as `decode`."""
        limits = self.limits
        return core.File(data, limits.max_pixels, limits.max_metadata, allow_truncated=allow_truncated)

    def add(self, model: CodecModel) -> None:
        """Know a model that is not installed."""
        with self._lock:
            self._models[model.identity] = model.core

    def model_of(self, file: core.File) -> core.Model:
        """The model that made a file. Raises MissingModelError if it is not installed."""
        with self._lock:
            model = self._models.get(file.model_id)
            if model is None:
                model = store.first_sound(store.paths_by_id(file.model_id, file.model_name), store.for_core)
                self._models[file.model_id] = model
            return model


def _tell(share: float) -> bool:
    at(share)
    return True


def _reserved(file: core.File, model: core.Model | None, region: core.Region | None) -> int:
    """Bytes in use besides what decoding takes: the process, the model, the picture while it is handed on."""
    pixels = file.width * file.height if region is None else max(region[2] * region[3], 0)
    size = 2 if file.bit_depth > 8 else 1
    return PROCESS_BYTES + (model.size if model else 0) + size * (FILE_BYTES + file.has_alpha) * pixels


def what_is_there(file: core.File) -> str:
    """One sentence about a file that was cut off."""
    if not file.learned:
        whole = file.contents().exact_tiles
        return f"the file was cut off: {whole} of {file.exact_tiles} tiles are there"
    tiles, present = file.tiles, file.tiles_present
    whole = present - 1 if present and not file.tile(present - 1).complete else present
    if whole == tiles:
        return "the file was cut off behind its learned picture: exact tiles, alpha, EXIF or XMP may be missing"
    streams = len(file.tile(whole).sizes) if whole < present else 0
    found = f"{streams} of {file.streams} streams, the coarser ones first,"
    if tiles == 1:
        return f"the file was cut off: {found} are there, the rest is what these predict"
    more = f" and {found} of the next one" if streams else ""
    return f"the file was cut off: {whole} of {tiles} tiles{more} are there, the rest is what these predict"
