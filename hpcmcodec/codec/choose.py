"""Graphics are often smaller, or better for their bytes, when they are coded exactly: the encoder's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcmcodec.codec import exact
from hpcmcodec.codec.graphics import SIDE, few_colours, filled, graphic_tiles
from hpcmcodec.codec.refine import bits_per_error
from hpcmcodec.formats.exact import COLOURS
from hpcmcodec.formats.picture import Picture

if TYPE_CHECKING:
    from hpcmcodec.codec.encoder import Encoder, Options

LEAST_SHARE = 1 / 8
"""Of a picture's tiles that have to look like graphics before anything is tried."""
MOSTLY = 0.9
"""From this share on the whole picture is tried."""
FEW_COLOURS, FEW_GREYS = 256, 64
"""Pictures of no more are tried whole, whatever they look like: dithered ones are not flat anywhere."""


class Look(NamedTuple):
    """The tiles of SIDE pixels that look like graphics, and whether the whole picture is worth trying."""

    graphic: np.ndarray
    whole: bool


def looks_exact(picture: Picture) -> Look | None:
    """What may be smaller, or better for its bytes, exactly; None where there is too little to care."""
    graphic = graphic_tiles(picture.pixels)
    few = few_colours(picture.pixels, FEW_GREYS if picture.pixels.shape[2] == 1 else FEW_COLOURS)
    share = graphic.mean()
    return Look(graphic, bool(few or share >= MOSTLY)) if few or share >= LEAST_SHARE else None


def better(encoder: Encoder, picture: Picture, quality: float, learned: bytes, options: Options) -> bytes:
    """The best of a learned file, the exact one, and one with graphics exact and the rest learned: by bytes, and by
    what the quality says that errors are worth."""
    look = looks_exact(picture)
    if look is None:
        return learned
    files = [learned]
    if look.whole:
        files.append(encoder.exactly(picture))
        if len(files[1]) <= len(learned):
            return files[1]
    worth = _worth(encoder, quality)
    if worth is None:
        return learned
    if look.graphic.any() and not look.graphic.all():
        files.append(mixed(encoder, picture, quality, look.graphic, options))
    return min(files, key=lambda data: _cost(encoder, data, picture, worth))


def mixed(encoder: Encoder, picture: Picture, quality: float, graphic: np.ndarray, options: Options) -> bytes:
    """A learned picture with some tiles exact, under which it is smooth."""
    smooth = replace(picture, pixels=filled(picture.pixels, graphic))
    header, tiles = encoder.learned(smooth, quality, options)
    header = replace(header, exact_tile_size=SIDE)
    places = [place for place in exact.rectangles(header) if graphic.flat[place.number]]
    most = encoder.limits.max_memory
    parts = exact.encode_tiles(header, places, [(COLOURS, picture.pixels, 0)], most)
    covered = graphic.repeat(SIDE, 0).repeat(SIDE, 1)[: header.height, : header.width]
    flats = exact.encode_flats(picture.pixels, covered)
    return encoder.file(header, tiles, exact.merged(parts, exact.encode_alpha(header, picture, most)), picture, flats)


def _worth(encoder: Encoder, quality: float) -> float | None:
    """Bits that a squared error of a sample in 0..1 is worth; None for models that do not tell."""
    network = encoder.model.network
    if encoder.model.rate != "variable" or not hasattr(network.config, "slopes"):
        return None
    return bits_per_error(network, quality)


def _cost(encoder: Encoder, data: bytes, picture: Picture, worth: float) -> float:
    """Bits of a file, and those that its errors are worth."""
    shown = encoder.decoded(data).pixels
    errors: Sequence[float] = [
        float(np.square(row.astype(np.float32) - given).sum(dtype=np.float64))
        for row, given in zip(shown, picture.pixels, strict=True)
    ]
    channels = picture.pixels.shape[2]
    return 8 * len(data) + worth * sum(errors) * (3 / channels) / (2**picture.depth - 1) ** 2
