"""Picture -> bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec import exact
from hpcmcodec.codec.choose import better
from hpcmcodec.codec.memory import Budget, budget
from hpcmcodec.codec.model import CodecModel, Condition
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.refine import DEFAULT_EFFORT, Effort, Latents, check_effort, effort_of, refine
from hpcmcodec.codec.refine import memory as memory_of
from hpcmcodec.codec.target import Target
from hpcmcodec.codec.tiling import Tile, TileGrid, choose_tile_size
from hpcmcodec.codec.transforms import analyse
from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.formats import container
from hpcmcodec.formats.container import Limits
from hpcmcodec.formats.depth import scaled
from hpcmcodec.formats.exact import ExactPart
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.picture import Picture
from hpcmcodec.kernels.encode import CodedTile, GivenTile, Keep
from hpcmcodec.models import store
from hpcmcodec.progress import part

if TYPE_CHECKING:
    from hpcmcodec.codec.reach import Reached

DEFAULT_QUALITY = 50


class Options(NamedTuple):
    """How a picture's learned part is coded: side of the entropy tiles or None for what suits, and effort."""

    tile_size: int | None
    effort: Effort


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
        tile_size: int | None = None,
        effort: int = DEFAULT_EFFORT,
        near_lossless: int | None = None,
        exact_tiles: bool = True,
    ) -> bytes:
        """The bytes of an hpc file.

        quality: 1 (smallest) .. 100 (best); ignored by models of one rate. near_lossless: no sample shall differ by
        more, 0 for none at all: the learned picture of that quality, and what makes it so exact on top. exact_tiles:
        graphics may be coded exactly, all of the picture or some tiles, where that is the better bargain.
        tile_size: side of the entropy tiles in pixels, 0 for none, None for 1024 where the picture is large.
        effort: 0 (fastest) .. 9 (smallest file for what it shows); models of one rate have one effort.
        Raises UsageError for a quality out of range or a tile size that the model cannot have, LimitExceededError for a
        picture that takes more memory than allowed, ModelFileError for weights that lead beyond all bounds.
        """
        if not 1 <= quality <= 100:
            raise UsageError(f"quality {quality} is out of range: choose 1 (smallest file) to 100 (best picture)")
        options = Options(tile_size, effort_of(effort, self.model))
        header, tiles = self.learned(picture, quality, options)
        if near_lossless is not None:
            return self._on_top(header, tiles, picture, near_lossless, min(effort, 1))
        flats = exact.encode_flats(picture.pixels) if exact_tiles else None
        data = self.file(header, tiles, exact.encode_alpha(header, picture, self.limits.max_memory), picture, flats)
        return better(self, picture, quality, data, options) if exact_tiles else data

    def learned(self, picture: Picture, quality: float, options: Options) -> tuple[Header, list[container.Tile]]:
        """The header and the learned tiles of a file."""
        with normative():  # the header's numbers too
            header = self.header(picture, quality, options.tile_size)
            return header, _encode_pixels(
                self.model, header, for_network(picture), options.effort, self.limits.max_memory
            )

    def exactly(self, picture: Picture, near: int = 0) -> bytes:
        """The picture itself, or within an error, without a model."""
        return encode_exactly(picture, near, limits=self.limits)

    def file(
        self,
        header: Header,
        tiles: Sequence[container.Tile],
        parts: Sequence[ExactPart],
        picture: Picture,
        flats: bytes | None = None,
    ) -> bytes:
        """The file of tiles that were coded, and of the picture's metadata."""
        with normative():
            return write_parts(header, tiles, parts, picture, flats)

    def decoded(self, data: bytes) -> Picture:
        """What a file of this encoder shows."""
        from hpcmcodec.codec.decoder import Decoder

        decoder = Decoder(limits=self.limits)
        decoder.add(self.model)
        return decoder.decode(data)

    def _on_top(
        self, header: Header, tiles: Sequence[container.Tile], picture: Picture, near: int, effort: int
    ) -> bytes:
        exact.check_near(near)
        bare = replace(picture, alpha=None, icc=None, exif=None, xmp=None)
        shown = self.decoded(self.file(replace(header, alpha=False), tiles, (), bare))
        header = replace(header, most_error=near)
        parts = exact.encode_on_top(header, picture, shown.pixels, near, self.limits.max_memory, effort)
        return self.file(header, tiles, parts, picture)

    def encode_to(
        self,
        picture: Picture,
        target: Target,
        *,
        tile_size: int | None = None,
        effort: int = DEFAULT_EFFORT,
    ) -> Reached:
        """The hpc file that meets a target, see `Target` for what is promised, or comes nearest; `reach` says more.

        Raises UsageError if the model has but one quality, else as `encode`.
        """
        if self.model.rate != "variable":
            raise UsageError(f"model {self.model.name!r} has one quality only: it cannot be chosen to meet a target")
        from hpcmcodec.codec.reach import reach

        return reach(self, picture, target, tile_size=tile_size, effort=effort_of(effort, self.model))

    def header(self, picture: Picture, quality: float, tile_size: int | None = None) -> Header:
        """What a file of the picture says of itself."""
        height, width, channels = picture.pixels.shape
        return Header(
            width=width,
            height=height,
            channels=channels,
            alpha=picture.alpha is not None,
            bit_depth=picture.depth,
            cicp=picture.cicp,
            model_name=self.model.name,
            model_id=self.model.identity,
            streams=self.model.streams,
            quality=quality if self.model.rate == "variable" else None,
            tile_size=choose_tile_size(self.model, height, width, tile_size),
            exact_tile_size=exact.choose_tile_size(height, width),
        )

    def admit(self, height: int, width: int) -> None:
        """Raises LimitExceededError if a picture of this size, of 8 bits, takes more memory than allowed. Cheap."""
        model = self.model
        grid = TileGrid.of(model, height, width, choose_tile_size(model, height, width))
        budget(model, grid, height * width, self.limits.max_memory)


def for_network(picture: Picture) -> np.ndarray:
    """Samples that use all bits of their type."""
    return scaled(picture.pixels, picture.depth, 8 * picture.pixels.itemsize)


def encode_exactly(
    picture: Picture,
    near: int = 0,
    *,
    tile_size: int | None = None,
    limits: Limits | None = None,
    effort: int = DEFAULT_EFFORT,
) -> bytes:
    """The bytes of an hpc file that needs no model: the picture itself, or colours that differ by at most `near`.

    tile_size: side of the tiles in pixels, 0 for none, None for 1024 where the picture is large, and for less where it
    is deep and smooth. effort: from 1 on smaller files of photographs, that decode more slowly. Raises UsageError for
    an error out of 0..255 or a tile size that cannot be, LimitExceededError.
    """
    exact.check_near(near)
    check_effort(effort)
    limits = limits or Limits()
    height, width, channels = picture.pixels.shape
    header = Header(
        width=width,
        height=height,
        channels=channels,
        alpha=picture.alpha is not None,
        bit_depth=picture.depth,
        cicp=picture.cicp,
        most_error=near,
    )

    def of_side(side: int) -> bytes:
        tiled = replace(header, exact_tile_size=side)
        parts = exact.encode_alone(tiled, picture, near, limits.max_memory, min(effort, 1))
        return write_parts(tiled, (), parts, picture)

    return min(map(of_side, exact.sides(picture, tile_size)), key=len)


def write_file(
    header: Header, tiles: Sequence[container.Tile], picture: Picture, limits: Limits | None = None
) -> bytes:
    """The file of coded tiles and of what else the picture has."""
    parts = exact.encode_alpha(header, picture, None if limits is None else limits.max_memory)
    return write_parts(header, tiles, parts, picture, exact.encode_flats(picture.pixels))


def write_parts(
    header: Header,
    tiles: Sequence[container.Tile],
    parts: Sequence[ExactPart],
    picture: Picture,
    flats: bytes | None = None,
) -> bytes:
    """The file of coded tiles, learned and exact, and of the picture's metadata."""
    if not parts:
        header = replace(header, exact_tile_size=0)
    return container.write(
        header,
        tiles,
        exact=parts,
        icc=picture.icc,
        exif=picture.exif,
        xmp=picture.xmp,
        flats=flats,
    )


def _encode_pixels(
    model: CodecModel, header: Header, pixels: np.ndarray, effort: Effort, max_memory: int | None
) -> list[container.Tile]:
    grid = TileGrid.of(model, header.height, header.width, header.tile_size)
    coded: dict[int, container.Tile] = {}
    condition = model.condition(header.quality)
    kept = memory_of(model, grid) if effort else 0
    means = budget(model, grid, header.height * header.width, max_memory, kept, pixels.itemsize)

    def code(tiles: list[Tile], parts: list[np.ndarray]) -> None:
        made = encode_tiles(model, condition, list(zip(tiles, parts, strict=True)), means.workers)
        coded.update((tile.index, in_file(one)) for tile, one in zip(tiles, made, strict=True))

    if effort:  # a tile's neighbours matter: all of the picture at once
        first = 0.6 / (1 + effort.cost)
        with part(0, first):
            latents = latents_of(model, condition, grid, pixels, means)
        with part(first, 1 - first):
            refine_tiles(model, header.quality or 0, grid, pixels, latents, effort, means)
        code([tile for tile, _ in latents], [y for _, y in latents])
    else:
        analyse(model, condition, grid, pixels, means.step, code)
    return [coded[index] for index in range(header.tiles)]


def latents_of(model: CodecModel, condition: Condition, grid: TileGrid, pixels: np.ndarray, means: Budget) -> Latents:
    """All tiles of a picture with their latents, in raster order."""
    latents: Latents = []
    analyse(model, condition, grid, pixels, means.step, lambda tiles, ys: latents.extend(zip(tiles, ys, strict=True)))
    return latents


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
    condition = model.condition(quality)

    def near(latents: Latents) -> list[np.ndarray]:
        made = encode_tiles(model, condition, latents, means.workers, Keep.NEAR)
        return [model.network.assemble([step[None] for step in tile.steps])[0] for tile in made]

    refine(model, quality, grid, pixels, latents, near, effort)


def encode_tiles(
    model: CodecModel, condition: Condition, latents: Latents, workers: int, keep: Keep = Keep.NOTHING
) -> list[CodedTile]:
    """Tiles' latents, coded. Raises ModelFileError where the model's weights lead to what is no number."""
    given = [GivenTile(tile.height, tile.width, y) for tile, y in latents]
    try:
        return model.tiles.encode(given, condition, workers=workers, keep=keep)
    except ModelFileError as error:
        raise ModelFileError(f"model {model.name!r} cannot code this picture: {error}") from error


def in_file(tile: CodedTile) -> container.Tile:
    """What a file holds of a tile."""
    return container.Tile(tuple(tile.streams), tile.check)
