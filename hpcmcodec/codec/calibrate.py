"""Trellis-coded quantisation for a model that was trained for rounding: tables and levels fitted to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.codec.encoder import Encoder, encode_tile
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.pixels import to_network
from hpcmcodec.codec.refine import condition_of, curvature_at
from hpcmcodec.codec.tiling import Tile
from hpcmcodec.entropy.coder import EntropyCoder, Quantised
from hpcmcodec.entropy.tables import EntropyTables
from hpcmcodec.entropy.trellis import Steps, logistic_trellis_tables
from hpcmcodec.errors import UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.formats.picture import Picture
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
    file, encoder = store.find(source), Encoder(source)
    model = encoder.model
    plain = file.distribution.get("name") == "logistic" and file.levels is None
    if model.rate != "variable" or not plain:
        raise UsageError(
            f"model {model.name!r} cannot have a trellis: only models of variable rate with logistic tables can"
        )
    crops = [_middle(picture.pixels) for picture in pictures]

    def collect(tables: EntropyTables) -> Iterator[Steps]:
        coder = _Recorder.of(tables)
        encoder.model = replace(model, coder=coder)
        for picture in crops:
            for quality in QUALITIES:
                encoder.encode(Picture(picture), quality, exact_tiles=False)
                yield coder.taken()

    tables = logistic_trellis_tables(collect, STRENGTH)
    encoder.model = replace(model, coder=EntropyCoder.of(tables))
    large = [picture for picture in crops if min(picture.shape[:2]) >= model.pad_multiple][:CURVED]
    curvature = {"curvature": round(float(np.mean([_curvature(encoder.model, p) for p in large])), 3)} if large else {}
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


class _Recorder(EntropyCoder):
    """Keeps what it quantises."""

    def __init__(self, *tables: Any) -> None:
        super().__init__(*tables)
        self._steps: list[tuple[np.ndarray, np.ndarray]] = []

    def quantise(self, residual: np.ndarray, rows: np.ndarray, strength: float) -> Quantised:
        self._steps.append((residual.copy(), rows.copy()))
        return super().quantise(residual, rows, strength)

    def taken(self) -> Steps:
        """The steps since the last call."""
        steps, self._steps = self._steps, []
        return steps


def _curvature(model: CodecModel, pixels: np.ndarray) -> float:
    """Of the distortion by latents (`refine.curvature_at`), the mean over `QUALITIES`. pixels: a crop with a latent."""
    stride = model.pad_multiple
    height, width = (side // stride * stride for side in pixels.shape[:2])
    pixels = np.ascontiguousarray(pixels[:height, :width])
    found = []
    for quality in QUALITIES:
        y = model.network.analyse(to_network(pixels, height, width), condition_of(model.network, quality))[0]
        y_hat = encode_tile(model, model.condition(quality), Tile(0, height, width, 0, 0), y)[1]
        found.append(curvature_at(model.network, quality, pixels, y_hat[None]))
    return float(np.mean(found))


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - CROP) // 2) for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + CROP, left : left + CROP])
