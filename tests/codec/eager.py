"""Decoding by the network itself, operation by operation: what the core is held to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec import latents
from hpcmcodec.codec.conditions import areas_of, condition
from hpcmcodec.codec.latents import LatentArea
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.pixels import from_network
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.entropy.coder import StreamDecoder
from hpcmcodec.formats import container
from hpcmcodec.models import store
from hpcmcodec.models.schedule import Step
from hpcmcodec.nn.module import Array


def decode_latents(
    model: CodecModel, data: Sequence[bytes | memoryview], cond: Any, areas: tuple[LatentArea, LatentArea]
) -> Array:
    """Inverse of `encode_latents`: y_hat, the same bits. Raises CorruptError or TruncatedError for a damaged stream.

    Where the last streams are missing, all their symbols are taken as 0: latents are what the coarser ones predict.
    """
    network, area, hyper_area = model.network, *areas
    z_shape = (1, model.network.hyper_channels, hyper_area.rows, hyper_area.columns)
    z_inside, z_rows = hyper_area.inside(z_shape[1]), latents._z_rows(model, cond, z_shape)
    z_symbols = np.zeros(z_shape, np.int32)
    if data:
        first = model.coder.decoder(bytes(data[0]))
        z_symbols = latents._spread(first.decode(z_rows if z_inside is None else z_rows[z_inside]), z_inside)
        first.finish()  # now: a bad file may claim to be of any size, and all that follows takes memory for it
    streams = {scale: model.coder.decoder(bytes(stream)) for scale, stream in enumerate(data) if scale}
    pick_inside = latents._picker(model, area)

    def code(step: Step, mean: Array, scale: Array, delta: Array | None = None) -> Array:
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.y_thresholds)
        return latents.dequantise(_values(streams.get(step.scale), rows, pick_inside(step)), mean, delta)

    y_hat = network.traverse_grid(z_symbols.astype(np.float32), cond, code, (area.rows, area.columns))
    for stream in streams.values():
        stream.finish()
    return y_hat


def _values(stream: StreamDecoder | None, rows: np.ndarray, inside: np.ndarray | None) -> Array:
    """A step's values; 0 for what is not coded or not there."""
    if stream is None:
        return np.zeros(rows.shape, np.float32)
    return stream.values(rows) if inside is None else latents._spread(stream.values(rows[inside]), inside)


def decoded(data: bytes) -> np.ndarray:
    """The pixels by FORMAT.md section 6, with nothing cut into strips."""
    file = container.read(data)
    header = file.header
    model = CodecModel.load(store.find(store.path_by_id(header.model_id, header.model_name)))
    grid = TileGrid.of(model.network, header.height, header.width, header.tile_size)
    y = np.zeros((1, model.network.latent_channels, *grid.latent), np.float32)
    with normative():
        cond = condition(model.network, header.quality)
        for tile in (tile for row in range(grid.rows) for tile in grid.row_of(row)):
            content = file.tile(tile.index)
            part = decode_latents(model, content.streams, cond, areas_of(model.network, tile))
            assert container.latent_check(part) == content.check
            y[:, :, tile.top : tile.top + part.shape[2], tile.left : tile.left + part.shape[3]] = part
        x = model.network.synthesise(y, cond)
        return from_network(x[:, :, : header.height, : header.width], header.channels)
