"""What encoder and decoder derive from the header alone: the quality's condition and the latents' areas."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcmcodec.codec.latents import LatentArea
from hpcmcodec.codec.tiling import Tile

HYPER_STRIDE = 64


def condition(network: Any, quality: float | None) -> Any:
    """The network's condition for quality 1..100, or None for a network of one rate."""
    if network.rate == "fixed" or quality is None:
        return None
    position = (np.float32(quality) - np.float32(1)) / np.float32(99)
    return network.condition(np.array([position], np.float32))


def areas_of(network: Any, tile: Tile) -> tuple[LatentArea, LatentArea]:
    """Areas of the latent and of the hyper-latent of a tile."""
    multiple = network.pad_multiple
    latent = LatentArea.of(tile.height, tile.width, multiple, network.stride)
    return latent, LatentArea.of(tile.height, tile.width, multiple, HYPER_STRIDE)
