"""Trellis-coded quantisation for a model that was trained for rounding: tables and levels fitted to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpcmcodec.codec.encoder import encode_tiles, for_network, latents_of
from hpcmcodec.codec.memory import budget
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.pixels import to_network
from hpcmcodec.codec.refine import condition_of, curvature_at
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import EntropyTables
from hpcmcodec.entropy.trellis import Steps, logistic_trellis_tables
from hpcmcodec.errors import UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.formats.picture import Picture
from hpcmcodec.kernels.encode import Keep
from hpcmcodec.models import store

QUALITIES = (5, 30, 55, 80)
STRENGTH = 1.2
"""Tables fit an encoder that saves more than `TRELLIS_STRENGTH` does: better than its own (docs/DECISIONS.md, 14)."""
CURVED = 10
"""Pictures whose curvature is measured, which differs less from one to the next than from quality to quality."""
CROP = 256
"""Side of what is looked at of a picture, from its middle, in pixels."""


def calibrate(source: str | Path | None, pictures: Iterable[Picture], output: Path, name: str) -> bytes:
    """Write `source` (as for `Encoder`) with trellis-coded quantisation as a model of another name; returns its
    identity. The weights stay as they are.

    Raises UsageError for a model of one rate, of another distribution than the logistic, or that has a trellis already.
    """
    file = store.find(source)
    model = CodecModel.load(file)
    plain = file.distribution.get("name") == "logistic" and file.levels is None
    if model.rate != "variable" or not plain:
        raise UsageError(
            f"model {model.name!r} cannot have a trellis: only models of variable rate with logistic tables can"
        )
    crops = [_middle(picture.pixels) for picture in pictures]

    def collect(tables: EntropyTables) -> Iterator[Steps]:
        coding = replace(model, coder=EntropyCoder.of(tables))
        for picture in crops:
            for quality in QUALITIES:
                yield steps_of(coding, quality, for_network(Picture(picture)))

    tables = logistic_trellis_tables(collect, STRENGTH)
    coding = replace(model, coder=EntropyCoder.of(tables))
    large = [picture for picture in crops if min(picture.shape[:2]) >= model.pad_multiple][:CURVED]
    curvature = {"curvature": round(float(np.mean([_curvature(coding, p) for p in large])), 3)} if large else {}
    return model_file.write(
        output,
        name=name,
        config=file.config,
        program=file.program,
        tensors=model_file.stored_tensors(file.path),
        **tables.stored(),
        base=file.base,
        distribution={"name": "logistic", "trellis": f"fitted to {len(crops)} pictures"},
        provenance={**file.provenance, "calibrated": file.name},
        measured={**file.measured, **curvature},
    )


def steps_of(model: CodecModel, quality: float, pixels: np.ndarray) -> Steps:
    """What is quantised of a picture that is one tile."""
    height, width = pixels.shape[:2]
    grid = TileGrid.of(model, height, width, 0)
    with normative():
        condition = model.condition(quality)
        latents = latents_of(model, condition, grid, pixels, budget(model, grid, height * width, None))
        return encode_tiles(model, condition, latents, 1, Keep.RESIDUALS)[0].steps


def _curvature(model: CodecModel, pixels: np.ndarray) -> float:
    """Of the distortion by latents (`refine.curvature_at`), the mean over `QUALITIES`. pixels: a crop with a latent."""
    stride = model.pad_multiple
    height, width = (side // stride * stride for side in pixels.shape[:2])
    pixels = np.ascontiguousarray(pixels[:height, :width])
    found = []
    for quality in QUALITIES:
        y = model.network.analyse(to_network(pixels, height, width), condition_of(model.network, quality))[0]
        one = [(Tile(0, height, width, 0, 0), np.ascontiguousarray(y))]
        y_hat = encode_tiles(model, model.condition(quality), one, 1, Keep.LATENTS)[0].latents
        assert y_hat is not None
        found.append(curvature_at(model.network, quality, pixels, y_hat[None]))
    return float(np.mean(found))


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - CROP) // 2) for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + CROP, left : left + CROP])
