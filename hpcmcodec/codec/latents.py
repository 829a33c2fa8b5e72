"""Latents <-> streams. Encoder and decoder walk the same traversal; they differ only in where symbols come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.entropy.coder import StreamDecoder
from hpcmcodec.models.schedule import Step
from hpcmcodec.nn.module import Array


@dataclass(frozen=True)
class LatentArea:
    """The latent grid of a padded picture and the part of it that the picture itself covers; only that part is coded,
    elsewhere both sides take symbol 0. All counts in latents."""

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

    def inside(self, channels: int) -> np.ndarray | None:
        """Which elements are coded, (1, channels, rows, columns) bool; None if all are."""
        if (self.rows, self.columns) == (self.own_rows, self.own_columns):
            return None
        inside = np.zeros((1, channels, self.rows, self.columns), bool)
        inside[:, :, : self.own_rows, : self.own_columns] = True
        return inside


Watch = Callable[[Step, Array, Array], None]
"""Sees what becomes of every step: its values, 0 where the symbol is, and its decoded elements."""


def encode_latents(
    model: CodecModel,
    y: Array,
    z: Array,
    cond: Any,
    areas: tuple[LatentArea, LatentArea],
    watch: Watch | None = None,
) -> tuple[list[bytes], Array]:
    """Code y and z. `areas`: of the latent and of the hyper-latent. Returns the streams and y_hat."""
    network, area, hyper_area = model.network, *areas
    streams = [model.coder.encoder() for _ in range(model.streams)]
    z_symbols = np.rint(z).astype(np.int32)
    z_inside = hyper_area.inside(z.shape[1])
    if z_inside is not None:
        z_symbols = np.where(z_inside, z_symbols, 0)
    z_rows = _z_rows(model, cond, z.shape)
    streams[0].add(*((z_symbols, z_rows) if z_inside is None else (z_symbols[z_inside], z_rows[z_inside])))
    pick, pick_inside = network.pick(y), _picker(model, area)

    def code(step: Step, mean: Array, scale: Array, delta: Array | None = None) -> Array:
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.y_thresholds)
        residual = pick(step) - mean
        if delta is not None:
            residual /= delta
        inside = pick_inside(step)
        coded = model.quantise(residual, rows) if inside is None else model.quantise(residual[inside], rows[inside])
        streams[step.scale].add(coded.symbols, coded.rows)
        values = _spread(coded.values, inside)
        decoded = dequantise(values, mean, delta)
        if watch is not None:
            watch(step, values, decoded)
        return decoded

    y_hat = network.traverse_grid(z_symbols.astype(np.float32), cond, code, (area.rows, area.columns))
    return [stream.finish() for stream in streams], y_hat


def decode_latents(
    model: CodecModel, data: Sequence[bytes | memoryview], cond: Any, areas: tuple[LatentArea, LatentArea]
) -> Array:
    """Inverse of `encode_latents`: y_hat, the same bits. Raises CorruptError or TruncatedError for a damaged stream.

    Where the last streams are missing, all their symbols are taken as 0: latents are what the coarser ones predict.
    """
    network, area, hyper_area = model.network, *areas
    z_shape = (1, model.network.hyper_channels, hyper_area.rows, hyper_area.columns)
    z_inside, z_rows = hyper_area.inside(z_shape[1]), _z_rows(model, cond, z_shape)
    z_symbols = np.zeros(z_shape, np.int32)
    if data:
        first = model.coder.decoder(bytes(data[0]))
        z_symbols = _spread(first.decode(z_rows if z_inside is None else z_rows[z_inside]), z_inside)
        first.finish()  # now: a bad file may claim to be of any size, and all that follows takes memory for it
    streams = {scale: model.coder.decoder(bytes(stream)) for scale, stream in enumerate(data) if scale}
    pick_inside = _picker(model, area)

    def code(step: Step, mean: Array, scale: Array, delta: Array | None = None) -> Array:
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.y_thresholds)
        return dequantise(_values(streams.get(step.scale), rows, pick_inside(step)), mean, delta)

    y_hat = network.traverse_grid(z_symbols.astype(np.float32), cond, code, (area.rows, area.columns))
    for stream in streams.values():
        stream.finish()
    return y_hat


def dequantise(values: Array, mean: Array, delta: Array | None) -> Array:
    """Decoded elements: values in units of the quantiser's steps `delta`, which are 1 where a network has none, plus
    mean."""
    return (values if delta is None else values * delta) + mean


def _picker(model: CodecModel, area: LatentArea) -> Any:
    """step -> which of its elements are coded, or None for all."""
    inside = area.inside(model.network.latent_channels)
    return (lambda step: None) if inside is None else model.network.pick(inside)


def _z_rows(model: CodecModel, cond: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Table rows of the hyper-latent: one per channel."""
    rows = kernels.scale_index(np.ascontiguousarray(model.network.z_scale(cond)).reshape(-1), model.z_thresholds)
    return np.ascontiguousarray(np.broadcast_to(rows[None, :, None, None], shape))


def _values(stream: StreamDecoder | None, rows: np.ndarray, inside: np.ndarray | None) -> Array:
    """A step's values; 0 for what is not coded or not there."""
    if stream is None:
        return np.zeros(rows.shape, np.float32)
    return stream.values(rows) if inside is None else _spread(stream.values(rows[inside]), inside)


def _spread(values: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
    """Values of the coded elements at their places, 0 elsewhere."""
    if inside is None:
        return values
    whole = np.zeros(inside.shape, values.dtype)
    whole[inside] = values
    return whole
