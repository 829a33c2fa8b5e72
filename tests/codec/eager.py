"""Coding by the network itself, operation by operation and with nothing cut into strips: what the core is held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.pixels import from_network, to_network
from hpcmcodec.codec.refine import condition_of
from hpcmcodec.codec.tiling import Tile, TileGrid, areas_of, inside
from hpcmcodec.formats import container
from hpcmcodec.models import store
from hpcmcodec.models.schedule import Step

Array = np.ndarray


def decoded(data: bytes) -> Array:
    """The pixels by FORMAT.md section 6."""
    file = container.read(data)
    header = file.header
    model = CodecModel.load(store.find(store.path_by_id(header.model_id, header.model_name)))
    grid = TileGrid.of(model, header.height, header.width, header.tile_size)
    y = np.zeros((1, model.latent_channels, *grid.latent), np.float32)
    with normative():
        cond = _condition(model, header.quality)
        for tile in (tile for row in range(grid.rows) for tile in grid.row_of(row)):
            content = file.tile(tile.index)
            part = decode_latents(model, content.streams, cond, tile)
            assert container.latent_check(part) == content.check
            y[:, :, tile.top : tile.top + part.shape[2], tile.left : tile.left + part.shape[3]] = part
        x = model.network.synthesise(y, cond)
        return from_network(x[:, :, : header.height, : header.width], header.channels)


def encoded(model: CodecModel, pixels: Array, quality: float) -> container.Tile:
    """The one tile of an untiled file."""
    height, width = pixels.shape[:2]
    grid = TileGrid.of(model, height, width, 0)
    with normative():
        cond = _condition(model, quality)
        y = model.network.analyse(to_network(pixels, *grid.padded), cond)
        z = model.network.hyper_analyse(y, cond)
        streams, y_hat = encode_latents(model, y, z, cond, Tile(0, height, width, 0, 0))
    return container.Tile(tuple(streams), container.latent_check(np.ascontiguousarray(y_hat)))


def _condition(model: CodecModel, quality: float | None) -> Any:
    return None if quality is None or model.rate == "fixed" else condition_of(model.network, quality)


def encode_latents(model: CodecModel, y: Array, z: Array, cond: Any, tile: Tile) -> tuple[list[bytes], Array]:
    """Streams and y_hat of y (1, M, H, W) and z (1, N, h, w)."""
    streams = [model.coder.encoder() for _ in range(model.streams)]
    area, _ = areas_of(model, tile)
    own, z_own = (inside(a, c) for a, c in zip(areas_of(model, tile), (y.shape[1], z.shape[1]), strict=True))
    symbols = np.rint(z).astype(np.int32)
    symbols = symbols if z_own is None else np.where(z_own, symbols, 0)
    rows = _z_rows(model, cond, z.shape)
    streams[0].add(*((symbols, rows) if z_own is None else (symbols[z_own], rows[z_own])))
    pick, pick_own = model.network.pick(y), _picks(model, own)

    def code(step: Step, mean: Array, scale: Array, delta: Array | None = None) -> Array:
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.file.y_thresholds)
        residual = pick(step) - mean
        residual = residual if delta is None else residual / delta
        where = np.ones(rows.shape, bool) if pick_own is None else pick_own(step)
        coded = model.coder.quantise(residual[where], rows[where], model.strength)
        streams[step.scale].add(coded.symbols, coded.rows)
        return _decoded(coded.values, where, mean, delta)

    y_hat = model.network.traverse_grid(symbols.astype(np.float32), cond, code, (area.rows, area.columns))
    return [stream.finish() for stream in streams], y_hat


def decode_latents(model: CodecModel, data: Sequence[Any], cond: Any, tile: Tile) -> Array:
    """Inverse of `encode_latents`: y_hat, the same bits."""
    area, z_area = areas_of(model, tile)
    shape = (1, model.network.hyper_channels, z_area.rows, z_area.columns)
    own, z_own = inside(area, model.latent_channels), inside(z_area, shape[1])
    readers = [model.coder.decoder(bytes(stream)) for stream in data]
    where = np.ones(shape, bool) if z_own is None else z_own
    symbols = np.zeros(shape, np.float32)
    symbols[where] = readers[0].decode(_z_rows(model, cond, shape)[where])
    pick_own = _picks(model, own)

    def code(step: Step, mean: Array, scale: Array, delta: Array | None = None) -> Array:
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.file.y_thresholds)
        where = np.ones(rows.shape, bool) if pick_own is None else pick_own(step)
        return _decoded(readers[step.scale].values(rows[where]), where, mean, delta)

    y_hat = model.network.traverse_grid(symbols, cond, code, (area.rows, area.columns))
    for reader in readers:
        reader.finish()
    return y_hat


def _picks(model: CodecModel, own: Array | None) -> Callable[[Step], Array] | None:
    """Of every step, which of its elements are inside the picture."""
    if own is None:
        return None
    pick = model.network.pick(own.astype(np.float32))
    return lambda step: pick(step) != 0


def _decoded(values: Array, where: Array, mean: Array, delta: Array | None) -> Array:
    whole = np.zeros(where.shape, np.float32)
    whole[where] = values
    return (whole if delta is None else whole * delta) + mean


def _z_rows(model: CodecModel, cond: Any, shape: tuple[int, ...]) -> Array:
    scales = np.ascontiguousarray(model.network.z_scale(cond)).reshape(-1)
    rows = kernels.scale_index(scales, model.file.z_thresholds)
    return np.ascontiguousarray(np.broadcast_to(rows[None, :, None, None], shape))
