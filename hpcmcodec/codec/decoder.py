"""Bytes -> picture."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.canvas import canvas, check_scale, shrink
from hpcmcodec.codec.conditions import areas_of, condition
from hpcmcodec.codec.latents import decode_latents
from hpcmcodec.codec.memory import budget
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.reading import LatentReader, Region, pieces
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.codec.transforms import finite, sketch, synthesis
from hpcmcodec.errors import ArithmeticMismatchError, CorruptError, TruncatedError, UsageError
from hpcmcodec.formats import alpha, container
from hpcmcodec.formats.container import Container, Limits
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.picture import Picture
from hpcmcodec.models import store
from hpcmcodec.nn.lazy import Span
from hpcmcodec.progress import at


class Decoder:
    """Decodes pictures; models stay loaded between pictures. Safe to share between threads.

    threads: of the kernels' pool, None leaves it as it is. limits: what to refuse.

    >>> from hpcmcodec import encode
    >>> decoder = Decoder()
    >>> picture = decoder.decode(encode("photo.png"), region=(8, 4, 20, 10))
    >>> picture.pixels.shape, picture.alpha
    ((10, 20, 1), None)
    """

    def __init__(self, threads: int | None = None, limits: Limits | None = None) -> None:
        if threads is not None:
            kernels.set_threads(threads)
        self.limits = limits or Limits()
        self._models: dict[bytes, CodecModel] = {}
        self._lock = threading.Lock()

    def decode(
        self,
        data: bytes | memoryview,
        region: tuple[int, int, int, int] | None = None,
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
        part = _checked(region, file.header)
        pixels = _decode_pixels(self.model_of(file.header), file, part, scale, self.limits.max_memory)
        plane = _decode_alpha(file)
        if plane is not None:
            plane = np.ascontiguousarray(plane[part.y : part.y + part.height, part.x : part.x + part.width])
            plane = np.ascontiguousarray(shrink(plane[:, :, None], scale)[:, :, 0])
        picture = Picture(pixels, plane, icc=file.icc, exif=file.exif, xmp=file.xmp)
        return replace(picture, incomplete=True, warnings=(what_is_there(file),)) if file.truncated else picture

    def add(self, model: CodecModel) -> None:
        """Know a model that is not installed."""
        with self._lock:
            self._models[model.identity] = model

    def model_of(self, header: Header) -> CodecModel:
        """The model that made a file. Raises MissingModelError if it is not installed."""
        with self._lock:
            model = self._models.get(header.model_id)
            if model is None:
                model = CodecModel.load(store.find_by_id(header.model_id, header.model_name))
                self._models[header.model_id] = model
            return model


def _checked(region: tuple[int, int, int, int] | None, header: Header) -> Region:
    if region is None:
        return Region(0, 0, header.width, header.height)
    part = Region(*region)
    inside = part.x >= 0 and part.y >= 0 and part.x + part.width <= header.width
    if not inside or part.y + part.height > header.height or part.width < 1 or part.height < 1:
        raise UsageError(
            f"the region {part.x},{part.y},{part.width},{part.height} does not lie in the picture of"
            f" {header.width} x {header.height} pixels"
        )
    return part


def _decode_pixels(model: CodecModel, file: Container, part: Region, scale: int, max_memory: int | None) -> np.ndarray:
    """uint8 (height, width, channels) of the rectangle, or as much smaller as `scale` says."""
    header = file.header
    model.check_suits(header)
    network = model.network
    if header.tile_size % network.pad_multiple:
        raise CorruptError(f"the file's tiles of {header.tile_size} pixels do not suit its model")
    grid = TileGrid.of(network, header.height, header.width, header.tile_size)
    file.limits.check_tile(*grid.largest)
    with normative():
        cond = condition(network, header.quality)
        transform = (synthesis if scale == 1 else sketch)(network, cond, grid)
        means = budget(network, grid, transform, part.height * part.width, max_memory)
        transform = transform.within(means.strip)
        made = canvas(part.height, part.width, header.channels, scale)
        new_reader = lambda: LatentReader(  # noqa: E731
            grid, network.latent_channels, lambda tile: decode_tile(model, file, cond, tile), means.workers
        )
        for rows, columns, piece in pieces(transform, new_reader, part, header.channels):
            made.add(
                Span(rows.start - part.y, rows.stop - part.y),
                Span(columns.start - part.x, columns.stop - part.x),
                piece,
            )
            done = (columns.start - part.x) * part.height + (columns.stop - columns.start) * (rows.stop - part.y)
            at(done / (part.width * part.height))
    return made.picture()


def decode_tile(model: CodecModel, file: Container, cond: Any, tile: Tile) -> np.ndarray:
    """The latents (1, M, rows, columns) of one tile of a file, padding included. Of a file that was cut off, what its
    whole streams say; their check value is of no use then."""
    absent = file.truncated and tile.index >= file.tiles_present
    content = container.Tile((), 0, complete=False) if absent else file.tile(tile.index)
    try:
        y_hat = decode_latents(model, content.streams, cond, areas_of(model.network, tile))
    except (ValueError, TruncatedError) as error:  # ValueError: a prediction that is not a number, which none encodes
        raise CorruptError(f"the latent streams are damaged ({error})") from error
    y_hat = np.ascontiguousarray(finite(y_hat))
    if content.complete and container.latent_check(y_hat) != content.check:
        raise ArithmeticMismatchError(
            "the decoded latents differ from the encoder's: run `hpcm doctor` to test this installation"
        )
    return y_hat


def what_is_there(file: Container) -> str:
    """One sentence about a file that was cut off."""
    tiles, present = file.header.tiles, file.tiles_present
    whole = present - 1 if present and not file.tile(present - 1).complete else present
    if whole == tiles:
        return "the file was cut off behind its pixels: alpha, EXIF or XMP may be missing"
    streams = len(file.tile(whole).streams) if whole < present else 0
    found = f"{streams} of {file.header.streams} streams, the coarser ones first,"
    if tiles == 1:
        return f"the file was cut off: {found} are there, the rest is what these predict"
    more = f" and {found} of the next one" if streams else ""
    return f"the file was cut off: {whole} of {tiles} tiles{more} are there, the rest is what these predict"


def _decode_alpha(file: Container) -> np.ndarray | None:
    data = file.alpha
    return None if data is None else alpha.decode(data, file.header.height, file.header.width)
