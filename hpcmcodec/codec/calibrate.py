"""Trellis-coded quantisation for a model that was trained for rounding: tables and levels fitted to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.codec.encoder import Encoder
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
    if model.network.rate != "variable" or not plain:
        raise UsageError(
            f"model {model.name!r} cannot have a trellis: only models of variable rate with logistic tables can"
        )
    crops = [_middle(picture.pixels) for picture in pictures]

    def collect(tables: EntropyTables) -> Iterator[Steps]:
        coder = _Recorder.of(tables)
        encoder.model = replace(model, coder=coder)
        for picture in crops:
            for quality in QUALITIES:
                encoder.encode(Picture(picture), quality)
                yield coder.taken()

    tables = logistic_trellis_tables(collect, STRENGTH)
    return model_file.write(
        output,
        name=name,
        config=file.config,
        tensors=model_file.stored_tensors(file.path),
        **tables.stored(),
        distribution={"name": "logistic", "trellis": f"fitted to {len(crops)} pictures"},
        provenance={**file.provenance, "calibrated": file.name},
        measured=file.measured,
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


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - CROP) // 2) for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + CROP, left : left + CROP])
