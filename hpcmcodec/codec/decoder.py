"""Bytes -> picture: a call into the C++ core."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.canvas import check_scale
from hpcmcodec.codec.memory import FILE_BYTES, PROCESS_BYTES, machine_memory
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.errors import TruncatedError, UsageError
from hpcmcodec.forking import Lock
from hpcmcodec.formats import container
from hpcmcodec.formats.container import Container, Limits
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.picture import Picture
from hpcmcodec.kernels import decode as core
from hpcmcodec.models import store
from hpcmcodec.progress import at


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
            kernels.set_threads(threads)
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
        check_scale(scale)
        file = container.read(data, self.limits, allow_truncated)
        _check(region, file.header)
        if file.truncated and not (file.exact_chunks or (file.tiles_present and file.tile(0).streams)):
            raise TruncatedError("the file ends before anything of its picture; it was cut off")
        model = self.model_of(file.header) if file.header.learned else None
        most = machine_memory() if self.limits.max_memory is None else self.limits.max_memory
        width, height, channels, depth, colours, alpha = core.decode(
            data,
            model,
            region,
            scale,
            allow_truncated=allow_truncated,
            max_pixels=self.limits.max_pixels,
            max_memory=most,
            reserved=_reserved(file, model, region),
            progress=_tell,
        )
        kind = np.uint8 if depth == 8 else np.uint16
        pixels = np.frombuffer(colours, kind).reshape(height, width, channels)
        plane = None if alpha is None else np.frombuffer(alpha, kind).reshape(height, width)
        picture = Picture(pixels, plane, icc=file.icc, exif=file.exif, xmp=file.xmp, depth=depth)
        return replace(picture, incomplete=True, warnings=(what_is_there(file),)) if file.truncated else picture

    def add(self, model: CodecModel) -> None:
        """Know a model that is not installed."""
        with self._lock:
            self._models[model.identity] = model.core

    def model_of(self, header: Header) -> core.Model:
        """The model that made a file. Raises MissingModelError if it is not installed."""
        with self._lock:
            model = self._models.get(header.model_id)
            if model is None:
                model = store.first_sound(store.paths_by_id(header.model_id, header.model_name), store.for_core)
                self._models[header.model_id] = model
            return model


def _tell(share: float) -> bool:
    at(share)
    return True


def _check(region: core.Region | None, header: Header) -> None:
    if region is None:
        return
    x, y, width, height = region
    inside = x >= 0 and y >= 0 and width >= 1 and height >= 1
    if not inside or x + width > header.width or y + height > header.height:
        raise UsageError(
            f"the region {x},{y},{width},{height} does not lie in the picture of"
            f" {header.width} x {header.height} pixels"
        )


def _reserved(file: Container, model: core.Model | None, region: core.Region | None) -> int:
    """Bytes in use besides what decoding takes: the process, the model, the picture while it is handed on."""
    header = file.header
    pixels = header.width * header.height if region is None else region[2] * region[3]
    size = 2 if header.bit_depth > 8 else 1
    return PROCESS_BYTES + (model.size if model else 0) + size * (FILE_BYTES + header.alpha) * pixels


def what_is_there(file: Container) -> str:
    """One sentence about a file that was cut off."""
    if not file.header.learned:
        whole, tiles = len({part.tile for part in file.exact}), math.prod(file.header.exact_grid)
        return f"the file was cut off: {whole} of {tiles} tiles are there"
    tiles, present = file.header.tiles, file.tiles_present
    whole = present - 1 if present and not file.tile(present - 1).complete else present
    if whole == tiles:
        return "the file was cut off behind its learned picture: exact tiles, alpha, EXIF or XMP may be missing"
    streams = len(file.tile(whole).streams) if whole < present else 0
    found = f"{streams} of {file.header.streams} streams, the coarser ones first,"
    if tiles == 1:
        return f"the file was cut off: {found} are there, the rest is what these predict"
    more = f" and {found} of the next one" if streams else ""
    return f"the file was cut off: {whole} of {tiles} tiles{more} are there, the rest is what these predict"
