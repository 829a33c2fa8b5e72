"""Latents -> streams: the program's entry `latents` with a coder that quantises where decoders read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.model import CodecModel, Condition, vectors
from hpcmcodec.codec.tiling import Padded, Tile
from hpcmcodec.models.program import HYPER_STRIDE


@dataclass(frozen=True)
class LatentArea:
    """A grid of latents and the part of it that the picture itself covers; only that part is coded, elsewhere both
    sides take symbol 0. All counts in latents."""

    rows: int
    columns: int
    own_rows: int
    own_columns: int

    @classmethod
    def of(cls, height: int, width: int, multiple: int, stride: int) -> LatentArea:
        """For a picture of height x width pixels, padded to `multiple`, whose latent has one element per `stride`."""

        def up(n: int, unit: int) -> int:
            return -(-n // unit)

        rows, columns = (up(up(n, multiple) * multiple, stride) for n in (height, width))
        return cls(rows, columns, up(height, stride), up(width, stride))

    @property
    def whole(self) -> bool:
        """Whether everything is coded."""
        return (self.rows, self.columns) == (self.own_rows, self.own_columns)


def areas_of(model: Padded, tile: Tile) -> tuple[LatentArea, LatentArea]:
    """Areas of the latent and of the hyper-latent of a tile."""
    size = tile.height, tile.width, model.pad_multiple
    return LatentArea.of(*size, model.stride), LatentArea.of(*size, HYPER_STRIDE)


def inside(area: LatentArea, channels: int) -> np.ndarray | None:
    """Which elements are coded, (1, channels, rows, columns) bool; None if all are."""
    if area.whole:
        return None
    found = np.zeros((1, channels, area.rows, area.columns), bool)
    found[:, :, : area.own_rows, : area.own_columns] = True
    return found


Watch = Callable[[np.ndarray, np.ndarray, np.ndarray], None]
"""Sees what becomes of every step's elements: values, 0 where the symbol is; what is decoded; what was given."""


def encode_latents(
    model: CodecModel,
    y: np.ndarray,
    z: np.ndarray,
    condition: Condition,
    areas: tuple[LatentArea, LatentArea],
    watch: Watch | None = None,
) -> tuple[list[bytes], np.ndarray]:
    """Code y (M, H, W) and z (N, h, w). `areas`: of the latent and the hyper-latent. Returns the streams and y_hat."""
    area, hyper_area = areas
    streams = [model.coder.encoder() for _ in range(model.streams)]
    symbols = np.zeros(z.shape, np.int32)
    own = np.s_[:, : hyper_area.own_rows, : hyper_area.own_columns]
    symbols[own] = np.rint(z[own]).astype(np.int32)
    rows = kernels.scale_index(np.ascontiguousarray(condition["z_scale"]).ravel(), model.file.z_thresholds)
    streams[0].add(symbols[own], np.ascontiguousarray(np.broadcast_to(rows[:, None, None], symbols[own].shape)))

    def code(
        stream: int, mean: np.ndarray, scale: np.ndarray, delta: np.ndarray | None, given: np.ndarray | None
    ) -> np.ndarray:
        assert given is not None
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.file.y_thresholds)
        residual = given - mean
        if delta is not None:
            residual /= delta
        inside = None if area.whole else ~np.isnan(given)
        coded = model.quantise(residual, rows) if inside is None else model.quantise(residual[inside], rows[inside])
        streams[stream].add(coded.symbols, coded.rows)
        values = coded.values if inside is None else _spread(coded.values, inside)
        if watch is not None:
            watch(values, (values if delta is None else values * delta) + mean, given)
        return values

    inputs = {**vectors(model, "latents", condition), "hyper": symbols.astype(np.float32), "layout": _marked(y, area)}
    y_hat = model.program.run("latents", inputs, (area.rows, area.columns), code)["latent"]
    return [stream.finish() for stream in streams], y_hat


def _marked(y: np.ndarray, area: LatentArea) -> np.ndarray:
    """The latent with no numbers where nothing is coded: so they are told from the others in each step's elements."""
    if area.whole:
        return np.ascontiguousarray(y)
    marked = np.full(y.shape, np.nan, np.float32)
    own = np.s_[:, : area.own_rows, : area.own_columns]
    marked[own] = y[own]
    return marked


def _spread(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Values of the coded elements at their places, 0 elsewhere."""
    whole = np.zeros(inside.shape, values.dtype)
    whole[inside] = values
    return whole
