"""One picture coded at several qualities, its analysis transform done once or twice.

Between qualities the latent changes by its gains (`network.regain`). It comes from an analysis at a quality somewhat
above those that are tried: measured on Kodak with `lite-2`, up to 30 steps above (25 of `lite-3`) cost nothing, while
any number below does.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcmcodec.codec.conditions import condition
from hpcmcodec.codec.encoder import encode_tile, latents_of_tiles, refine_tiles, write_file
from hpcmcodec.codec.memory import budget
from hpcmcodec.codec.parallel import for_tiles, normative
from hpcmcodec.codec.reading import LatentReader, Region, pieces
from hpcmcodec.codec.refine import LEVELS, Effort, memory
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.codec.transforms import analysis, pixel_reader, synthesis
from hpcmcodec.formats.picture import Picture
from hpcmcodec.progress import part

if TYPE_CHECKING:
    from hpcmcodec.codec.encoder import Encoder

AHEAD, REACH = 10, 25
"""Qualities between the first trial and the analysis above it, and how far below it trials may be."""


class Trials:
    """Codes a picture with an encoder whose model has a variable rate. Keeps the picture's latents, 5 bytes a pixel
    and two times for `psnr`, in memory."""

    def __init__(
        self, encoder: Encoder, picture: Picture, *, strip: bool, tile_size: int | None, effort: Effort = LEVELS[0]
    ) -> None:
        self._encoder, self._picture, self._strip, self._tile_size = encoder, picture, strip, tile_size
        self._effort = effort
        self._model = encoder.model
        height, width = picture.pixels.shape[:2]
        header = encoder.header(picture, 50, tile_size)
        self._grid = TileGrid.of(self._model.network, height, width, header.tile_size)
        self._analysed: float | None = None
        self._rest = 1.0
        self._latents: list[tuple[Tile, np.ndarray]] = []
        self.pixels = height * width

    def size(self, quality: float) -> tuple[float, bytes]:
        """(bytes, the file)."""
        with self._trial():
            data, _ = self._code(quality, keep=False)
        return float(len(data)), data

    def psnr(self, quality: float) -> tuple[float, bytes]:
        """(dB, the file). The picture is made from the latents at hand; nothing is entropy-decoded."""
        with self._trial():
            data, latents = self._code(quality, keep=True)
            return self._psnr(quality, latents), data

    def _trial(self) -> AbstractContextManager[None]:
        """Nobody knows how many there will be: each counts for some of what is left, three to four for most of it."""
        before, self._rest = self._rest, 0.6 * self._rest
        return part(1 - before, 1 - self._rest)

    def _code(self, quality: float, *, keep: bool) -> tuple[bytes, dict[int, np.ndarray]]:
        network = self._model.network
        with normative():
            self._analyse(quality)
            cond, before = condition(network, quality), condition(network, self._analysed)

            def one(pair: tuple[Tile, np.ndarray]) -> Any:
                coded, y_hat = encode_tile(self._model, cond, *pair)
                return coded, y_hat if keep else None

            latents = [(tile, network.regain(y, before, cond)) for tile, y in self._latents]
            refine_tiles(self._model, quality, self._grid, self._picture.pixels, latents, self._effort, self._means)
            made = for_tiles(one, latents, self._means.workers)
        header = self._encoder.header(self._picture, quality, self._tile_size)
        data = write_file(header, [coded for coded, _ in made], self._picture, strip=self._strip)
        return data, {tile.index: y for (tile, _), (_, y) in zip(self._latents, made, strict=True)}

    def _analyse(self, quality: float) -> None:
        """Analyses the picture unless its latents are of a quality that is near enough."""
        if self._analysed is not None and (0 <= self._analysed - quality <= REACH or self._analysed == 100):
            return
        self._analysed = min(100.0, quality + AHEAD)
        network = self._model.network
        transform = analysis(network, condition(network, self._analysed), self._grid)
        kept = 2 * 4 * network.latent_channels * math.prod(self._grid.latent)
        kept += memory(network, self._grid) if self._effort else 0
        self._means = budget(network, self._grid, transform, self.pixels, self._encoder.limits.max_memory, kept)
        self._latents = []
        for tiles, latents in latents_of_tiles(
            transform.within(self._means.strip), pixel_reader(self._picture.pixels), self._grid
        ):
            self._latents += zip(tiles, latents, strict=True)
        self._latents.sort(key=lambda pair: pair[0].index)

    def _psnr(self, quality: float, latents: dict[int, np.ndarray]) -> float:
        network, pixels = self._model.network, self._picture.pixels
        height, width, channels = pixels.shape
        total = 0
        with normative():
            transform = synthesis(network, condition(network, quality), self._grid).within(self._means.strip)
            new_reader = lambda: LatentReader(  # noqa: E731
                self._grid, network.latent_channels, lambda tile: latents[tile.index], 1
            )
            for rows, columns, piece in pieces(transform, new_reader, Region(0, 0, width, height), channels):
                error = piece.astype(np.int32) - pixels[rows.start : rows.stop, columns.start : columns.stop]
                total += int(np.square(error).sum(dtype=np.int64))
        return 10 * math.log10(255**2 * pixels.size / total) if total else math.inf
