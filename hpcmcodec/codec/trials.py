"""One picture coded at several qualities, its analysis transform done once or twice.

Between qualities the latent changes by its gains (`network.regain`). It comes from an analysis at a quality somewhat
above those that are tried: on Kodak, 25 steps above cost nothing, while any number below does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from hpcmcodec.codec.encoder import encode_tiles, for_network, in_file, latents_of, refine_tiles, write_file
from hpcmcodec.codec.memory import budget
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.refine import LEVELS, Effort, memory
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.codec.transforms import synthesise
from hpcmcodec.formats.depth import scaled
from hpcmcodec.formats.flats import SIDE, blocks
from hpcmcodec.formats.picture import Picture, Samples
from hpcmcodec.kernels.encode import Keep
from hpcmcodec.progress import part
from hpcmcodec.ssimulacra2 import PIXEL_BYTES, ssimulacra2

if TYPE_CHECKING:
    from hpcmcodec.codec.encoder import Encoder

AHEAD, REACH = 10, 25
"""Qualities between the first trial and the analysis above it, and how far below it trials may be."""


class Trials:
    """Codes a picture with an encoder whose model has a variable rate. Keeps the picture's latents, 5 bytes a pixel
    and two times for `psnr`, in memory; `ssimulacra2` takes some 50 bytes a pixel more."""

    def __init__(
        self, encoder: Encoder, picture: Picture, *, tile_size: int | None, effort: Effort = LEVELS[0]
    ) -> None:
        self._pixels = for_network(picture)
        alpha = picture.alpha
        self._alpha = None if alpha is None else scaled(alpha, picture.depth, 8 * alpha.itemsize)
        self._encoder, self._picture, self._tile_size = encoder, picture, tile_size
        self._effort = effort
        self._model = encoder.model
        height, width = picture.pixels.shape[:2]
        header = encoder.header(picture, 50, tile_size)
        self._grid = TileGrid.of(self._model, height, width, header.tile_size)
        self._analysed: float | None = None
        self._rest = 1.0
        self._kept = 0  # bytes besides latents
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

    def ssimulacra2(self, quality: float) -> tuple[float, bytes]:
        """(SSIMULACRA2, the file), for pictures that are large enough for it."""
        self._kept = PIXEL_BYTES * self.pixels
        with self._trial():
            data, latents = self._code(quality, keep=True)
            value = ssimulacra2(self._pixels, self._shown(quality, latents), self._alpha)
            assert value is not None
            return value, data

    def _trial(self) -> AbstractContextManager[None]:
        """Nobody knows how many there will be: each counts for some of what is left, three to four for most of it."""
        before, self._rest = self._rest, 0.6 * self._rest
        return part(1 - before, 1 - self._rest)

    def _code(self, quality: float, *, keep: bool) -> tuple[bytes, dict[int, np.ndarray]]:
        model = self._model
        with normative():
            self._analyse(quality)
            condition, before = model.condition(quality), model.condition(self._analysed)
            latents = [(tile, model.regain(y, before, condition)) for tile, y in self._latents]
            refine_tiles(model, quality, self._grid, self._pixels, latents, self._effort, self._means)
            wanted = Keep.LATENTS if keep else Keep.NOTHING
            made = encode_tiles(model, condition, latents, self._means.workers, wanted)
        header = self._encoder.header(self._picture, quality, self._tile_size)
        data = write_file(header, [in_file(tile) for tile in made], self._picture, self._encoder.limits)
        pairs = zip(self._latents, made, strict=True)
        return data, {tile.index: coded.latents for (tile, _), coded in pairs if coded.latents is not None}

    def _analyse(self, quality: float) -> None:
        """Analyses the picture unless its latents are of a quality that is near enough."""
        if self._analysed is not None and (0 <= self._analysed - quality <= REACH or self._analysed == 100):
            return
        self._analysed = min(100.0, quality + AHEAD)
        model = self._model
        kept = self._kept + 2 * 4 * model.latent_channels * math.prod(self._grid.latent)
        kept += memory(model, self._grid) if self._effort else 0
        limit, sample_bytes = self._encoder.limits.max_memory, self._picture.pixels.itemsize
        self._means = budget(model, self._grid, self.pixels, limit, kept, sample_bytes)
        condition = model.condition(self._analysed)
        self._latents = latents_of(model, condition, self._grid, self._pixels, self._means)

    def _psnr(self, quality: float, latents: dict[int, np.ndarray]) -> float:
        pixels = self._pixels
        total, most = 0, int(np.iinfo(pixels.dtype).max)  # the decoder rounds deep pictures less

        def compare(first: int, piece: np.ndarray) -> None:
            nonlocal total
            error = piece.astype(np.int64) * (most // 255) - pixels[first : first + len(piece)]
            total += int(np.square(error).sum(dtype=np.int64))

        self._synthesise(quality, latents, compare)
        return 10 * math.log10(most**2 * pixels.size / total) if total else math.inf

    def _shown(self, quality: float, latents: dict[int, np.ndarray]) -> Samples:
        """The decoded picture, of 8 bits' steps; flat blocks as the file has them."""
        pixels, found = self._pixels, blocks(self._picture.pixels)
        shown, steps = np.empty_like(pixels), int(np.iinfo(pixels.dtype).max) // 255

        def keep(first: int, piece: np.ndarray) -> None:
            np.multiply(piece, shown.dtype.type(steps), out=shown[first : first + len(piece)])

        self._synthesise(quality, latents, keep)
        if found is not None:
            flat = found[1].repeat(SIDE, 0).repeat(SIDE, 1)[: len(pixels), : pixels.shape[1]] > 0
            shown[flat] = pixels[flat]
        return shown

    def _synthesise(
        self, quality: float, latents: dict[int, np.ndarray], take: Callable[[int, np.ndarray], None]
    ) -> None:
        """take(first row, rows of uint8)."""
        model = self._model
        step = self._means.step * model.stride
        with normative():
            synthesise(model, model.condition(quality), self._grid, latents, self._pixels.shape[2], step, take)
