"""Picture -> bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.conditions import areas_of, condition
from hpcmcodec.codec.latents import Watch, encode_latents
from hpcmcodec.codec.memory import Budget, budget
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import for_tiles, normative
from hpcmcodec.codec.refine import DEFAULT_EFFORT, Effort, Latents, effort_of, refine
from hpcmcodec.codec.refine import memory as memory_of
from hpcmcodec.codec.target import Target
from hpcmcodec.codec.tiling import Tile, TileGrid, choose_tile_size
from hpcmcodec.codec.transforms import Transform, analysis, pixel_reader
from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.formats import alpha, container
from hpcmcodec.formats.container import Limits
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.picture import Picture
from hpcmcodec.models import store
from hpcmcodec.models.schedule import Step
from hpcmcodec.nn.lazy import Span
from hpcmcodec.nn.strips import Read
from hpcmcodec.progress import at, part

DEFAULT_QUALITY = 50


class Encoder:
    """Codes pictures with one model. Safe to share between threads.

    model: a name, a path, or None for the default. threads: of the kernels' pool, None leaves it as it is.
    limits: what to refuse; the number of pixels is not checked here, but where pictures are read.

    >>> from hpcmcodec.codec.api import as_picture
    >>> encoder = Encoder()
    >>> files = [encoder.encode(as_picture("photo.png"), quality) for quality in (20, 80)]
    """

    def __init__(
        self,
        model: str | Path | None = None,
        threads: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        if threads is not None:
            kernels.set_threads(threads)
        self.limits = limits or Limits()
        self.model = CodecModel.load(store.find(model))

    def encode(
        self,
        picture: Picture,
        quality: float = DEFAULT_QUALITY,
        *,
        strip: bool = False,
        tile_size: int | None = None,
        effort: int = DEFAULT_EFFORT,
    ) -> bytes:
        """The bytes of an hpc file.

        quality: 1 (smallest) .. 100 (best); ignored by models of one rate. strip: leave ICC, EXIF and XMP out.
        tile_size: side of the entropy tiles in pixels, 0 for none, None for 1024 where the picture is large.
        effort: 0 (fastest) .. 9 (smallest file for what it shows); models of one rate have one effort.
        Raises UsageError for a quality out of range or a tile size that the model cannot have, LimitExceededError for a
        picture that takes more memory than allowed, ModelFileError for weights that lead beyond all bounds.
        """
        if not 1 <= quality <= 100:
            raise UsageError(f"quality {quality} is out of range: choose 1 (smallest file) to 100 (best picture)")
        taken = effort_of(effort, self.model.network)
        header = self.header(picture, quality, tile_size)
        tiles = _encode_pixels(self.model, header, picture.pixels, taken, self.limits.max_memory)
        return write_file(header, tiles, picture, strip=strip)

    def encode_to(
        self,
        picture: Picture,
        target: Target,
        *,
        strip: bool = False,
        tile_size: int | None = None,
        effort: int = DEFAULT_EFFORT,
    ) -> bytes:
        """The bytes of an hpc file of the quality that meets a target; see `Target` for what is promised.

        Raises UsageError if no quality does or the model has but one, else as `encode`.
        """
        if self.model.network.rate != "variable":
            raise UsageError(f"model {self.model.name!r} has one quality only: it cannot be chosen to meet a target")
        from hpcmcodec.codec.trials import Trials

        taken = effort_of(effort, self.model.network)
        trials = Trials(self, picture, strip=strip, tile_size=tile_size, effort=taken)
        return target.search(trials.size if target.psnr is None else trials.psnr, trials.pixels)

    def header(self, picture: Picture, quality: float, tile_size: int | None = None) -> Header:
        """What a file of the picture says of itself."""
        network = self.model.network
        height, width, channels = picture.pixels.shape
        return Header(
            width=width,
            height=height,
            channels=channels,
            model_name=self.model.name,
            model_id=self.model.identity,
            streams=self.model.streams,
            quality=quality if network.rate == "variable" else None,
            tile_size=choose_tile_size(network, height, width, tile_size),
        )

    def admit(self, height: int, width: int) -> None:
        """Raises LimitExceededError if a picture of this size takes more memory than allowed. Cheap."""
        network = self.model.network
        grid = TileGrid.of(network, height, width, choose_tile_size(network, height, width))
        with normative():
            transform = analysis(network, condition(network, DEFAULT_QUALITY), grid)
        budget(network, grid, transform, height * width, self.limits.max_memory)


def write_file(header: Header, tiles: Sequence[container.Tile], picture: Picture, *, strip: bool) -> bytes:
    """The file of coded tiles and of what else the picture has."""
    return container.write(
        header,
        tiles,
        alpha=None if picture.alpha is None else alpha.encode(picture.alpha),
        icc=None if strip else picture.icc,
        exif=None if strip else picture.exif,
        xmp=None if strip else picture.xmp,
    )


def _encode_pixels(
    model: CodecModel, header: Header, pixels: np.ndarray, effort: Effort, max_memory: int | None
) -> list[container.Tile]:
    network = model.network
    grid = TileGrid.of(network, header.height, header.width, header.tile_size)
    coded: dict[int, container.Tile] = {}
    with normative():
        cond = condition(network, header.quality)
        transform = analysis(network, cond, grid)
        kept = memory_of(network, grid) if effort else 0
        means = budget(network, grid, transform, header.height * header.width, max_memory, kept)
        rows = latents_of_tiles(transform.within(means.strip), pixel_reader(pixels), grid)
        if effort:  # a tile's neighbours matter: all of the picture at once
            first = 0.6 / (1 + effort.cost)
            with part(0, first):
                latents = [pair for tiles, parts in rows for pair in zip(tiles, parts, strict=True)]
            with part(first, 1 - first):
                refine_tiles(model, header.quality or 0, grid, pixels, latents, effort, means)
            rows = iter([([tile for tile, _ in latents], [y for _, y in latents])])
        for tiles, parts in rows:
            pairs = list(zip(tiles, parts, strict=True))
            made = for_tiles(lambda pair: encode_tile(model, cond, *pair)[0], pairs, means.workers)
            coded.update((tile.index, one) for tile, one in zip(tiles, made, strict=True))
    return [coded[index] for index in range(header.tiles)]


def refine_tiles(
    model: CodecModel,
    quality: float,
    grid: TileGrid,
    pixels: np.ndarray,
    latents: Latents,
    effort: Effort,
    means: Budget,
) -> None:
    """Takes an effort's steps with the latents of all tiles, in place."""
    cond = condition(model.network, quality)

    def half_decoded(pair: tuple[Tile, np.ndarray]) -> np.ndarray:
        steps: list[np.ndarray] = []
        own = model.network.pick(pair[1])

        def keep(step: Step, values: np.ndarray, decoded: np.ndarray) -> None:
            steps.append(np.where(values == 0, decoded, (decoded + own(step)) * np.float32(0.5)))

        encode_tile(model, cond, *pair, keep)
        return model.network.assemble(steps)

    def decode(latents: Latents) -> list[np.ndarray]:
        return for_tiles(half_decoded, latents, means.workers)

    refine(model.network, quality, grid, pixels, latents, decode, effort, model.curvature)


def latents_of_tiles(transform: Transform, read: Read, grid: TileGrid) -> Iterator[tuple[list[Tile], list[np.ndarray]]]:
    """The analysis transform of a picture, a row of tiles at a time (of very wide pictures, a part of such a row)."""
    height, width = grid.latent
    count = max(1, transform.columns_at_once(width) // grid.latent_side)
    for first in range(0, grid.columns, count):
        columns = Span(first, min(first + count, grid.columns))
        span = Span(columns.start * grid.latent_side, min(columns.stop * grid.latent_side, width))
        parts: list[np.ndarray] = []
        ready = row = 0
        for strip, y in transform.run(read, Span(0, height), span):
            ready = strip.stop
            parts.append(y)
            at((span.start + (span.stop - span.start) * ready / height) / width)
            while row < grid.rows and ready >= (end := min((row + 1) * grid.latent_side, height)):
                band = np.concatenate(parts, 2) if len(parts) > 1 else parts[0]
                cut = band.shape[2] - (ready - end)
                parts = [band[:, :, cut:]] if cut < band.shape[2] else []
                tiles = list(grid.row_of(row, columns))
                yield tiles, [_part(band[:, :, :cut], tile.left - span.start, grid.latent_side) for tile in tiles]
                row += 1


def _part(band: np.ndarray, left: int, side: int) -> np.ndarray:
    return np.ascontiguousarray(band[:, :, :, left : left + side])


def encode_tile(
    model: CodecModel, cond: Any, tile: Tile, y: np.ndarray, watch: Watch | None = None
) -> tuple[container.Tile, np.ndarray]:
    """A tile's latents y, coded, and what decoders make of them. Raises ModelFileError where the model's weights lead
    to what is no number."""
    try:
        z = model.network.hyper_analyse(y, cond)
        streams, y_hat = encode_latents(model, y, z, cond, areas_of(model.network, tile), watch)
    except ValueError as error:
        raise ModelFileError(f"model {model.name!r} cannot code this picture: its weights are bad ({error})") from error
    y_hat = np.ascontiguousarray(y_hat)
    return container.Tile(tuple(streams), container.latent_check(y_hat)), y_hat
