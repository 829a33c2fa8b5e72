"""Networks whose results depend on few positions around, computed a few rows at a time, so that maps between their
layers are never whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .module import Array

ROWS = 16


def by_bands(network: Callable[..., Array], *maps: Array, reach: int = 0) -> Array:
    """network(*maps) for maps (N, C, H, W) of one size, the bits of the whole.

    A position of the result may depend on `reach` rows above and below, and the layers have to pad with zeros at a
    map's borders. Only arrays of the native backend are cut: torch keeps the maps for the gradient anyway.
    """
    height = maps[0].shape[2]
    if not isinstance(maps[0], np.ndarray) or height <= ROWS:
        return network(*maps)
    out = None
    for first in range(0, height, ROWS):
        last = min(first + ROWS, height)
        top, bottom = max(first - reach, 0), min(last + reach, height)
        band = network(*(np.ascontiguousarray(x[:, :, top:bottom]) for x in maps))
        if out is None:
            out = np.empty((*band.shape[:2], height, band.shape[3]), np.float32)
        out[:, :, first:last] = band[:, :, first - top : last - top]
    return out
