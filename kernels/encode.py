"""Encoding of tiles by the C++ core: latents in, streams out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._errors import translated
from hpcmcodec.kernels._load import native
from hpcmcodec.kernels.entropy import TableSet
from hpcmcodec.kernels.program import Program


class Keep(Enum):
    """What is kept of a tile besides its streams."""

    NOTHING = 0
    LATENTS = 1
    """What decoders have."""
    RESIDUALS = 2
    """Of each step's coded elements, in order: what was quantised (float32), and their rows in the tables (uint16)."""
    NEAR = 3
    """Of each step's elements (C, H, W), for a next step of an encoder's effort: where the symbol is 0, and where
    nothing is coded, what decoders have; elsewhere half-way between that and what was given."""


class GivenTile(NamedTuple):
    """Sides in pixels, latents y (C, H, W) of the padded tile, and hyper-latents z (C, h, w); None for what the
    program's hyper-analysis makes of y."""

    height: int
    width: int
    latents: Float32
    hyper: Float32 | None = None


class CodedTile(NamedTuple):
    """Streams, hyper-latents first; the check value of what decoders have (C, H, W), and this itself or None; what is
    kept of every step, in the order of coding."""

    streams: list[bytes]
    check: int
    latents: Float32 | None
    steps: list[Any]


class TileEncoder:
    """Codes tiles with a program, which has the entries `latents` and `hyper_analysis`. Safe to share between threads.

    tables, thresholds, levels: of the entropy coder, as for `StreamCoder`. Latents are quantised by the trellis where
    there are levels, else by rounding, so that distortion_weight * (squared error) + strength * bits is small;
    strength 0 takes the nearest.
    """

    def __init__(
        self,
        program: Program,
        tables: TableSet,
        y_thresholds: Float32,
        z_thresholds: Float32,
        levels: Float32 | None,
        strength: float,
        distortion_weight: float,
    ) -> None:
        with translated():
            self._native = native().TileEncoder(
                program._native, tables._native, y_thresholds, z_thresholds, levels, strength, distortion_weight
            )

    def encode(
        self,
        tiles: Iterable[GivenTile],
        condition: Mapping[str, Float32],
        *,
        workers: int = 1,
        keep: Keep = Keep.NOTHING,
    ) -> list[CodedTile]:
        """Tiles, `workers` at a time. condition: outputs of the program's entry of that name.

        A signal handler that raises, as that of Ctrl-C, ends it. Raises ModelFileError where the model's weights lead
        to what is no number."""
        vectors = {name: np.ascontiguousarray(vector) for name, vector in condition.items()}
        with translated():
            made = self._native.encode(
                [tuple(tile) for tile in tiles], vectors, workers, getattr(native().Keep, keep.name)
            )
        return [CodedTile(*tile) for tile in made]

    def bytes(self, height: int, width: int) -> float:
        """Memory that a tile of so many pixels takes while it is coded, given latents apart."""
        with translated():
            return float(self._native.bytes(height, width))

    @property
    def coding_seconds(self) -> float:
        """Time that making streams of symbols took, all calls and threads together."""
        return float(self._native.coding_seconds)
