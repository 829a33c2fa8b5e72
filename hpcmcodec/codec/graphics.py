"""Which parts of a picture are graphics: few colours, flat areas, marks that repeat. There an exact coder may be the
better one; finding out costs next to nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.formats.picture import Samples

SIDE = 256
"""Of the tiles that are judged, in pixels."""
_FLAT = 0.5
"""Share of pixels that equal their left and their upper neighbour from which on a tile is taken for graphics;
photographs of the test sets have below 0.2 but where they are burnt out."""


def graphic_tiles(pixels: Samples) -> NDArray[np.bool_]:
    """pixels (H, W, C) -> for each tile of SIDE x SIDE pixels, whether it looks like graphics."""
    height, width = pixels.shape[:2]
    found = np.zeros((-(-height // SIDE), -(-width // SIDE)), bool)
    for i, j in np.ndindex(found.shape):
        found[i, j] = _looks(pixels[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE])
    return found


def _looks(tile: Samples) -> bool:
    height, width, channels = tile.shape
    if height == 1 or width == 1:
        line = tile.reshape(-1, channels)
        return len(line) == 1 or bool((line[1:] == line[:-1]).all(1).mean() >= _FLAT)
    here = tile[1::2, 1:]  # every other row will do
    same = (here == tile[1::2, :-1]) & (here == tile[: 2 * len(here) : 2, 1:])
    return bool(same.all(2).mean() >= _FLAT)


def few_colours(pixels: Samples, most: int) -> bool:
    """Whether pixels (H, W, C) have no more colours than this."""
    packed = pixels[..., 0].astype(np.uint64)
    for k in range(1, pixels.shape[2]):
        packed = packed << np.uint64(16) | pixels[..., k]
    found = np.zeros(0, np.uint64)
    for rows in range(0, len(packed), 64):
        found = np.union1d(found, packed[rows : rows + 64])
        if len(found) > most:
            return False
    return True


def filled(pixels: Samples, graphic: NDArray[np.bool_]) -> Samples:
    """A copy whose graphic tiles are smooth, since nobody will see what a learned coder makes of them: each is the mean
    of its border, which fades from what its neighbours that stay have at the common edge."""
    out = pixels.copy()
    for i, j in np.argwhere(graphic):
        place = np.s_[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE]
        tile = pixels[place].astype(np.float32)
        ways = [(0, -1, 0), (0, 1, -1), (1, -1, 0), (1, 1, -1)]  # axis, neighbour, the edge's index
        edges = []
        for axis, step, index in ways:
            other = (i + step, j) if axis == 0 else (i, j + step)
            inside = 0 <= other[0] < graphic.shape[0] and 0 <= other[1] < graphic.shape[1]
            if inside and not graphic[other]:
                edges.append((axis, index, np.take(tile, [index], axis)))
        mean = np.median(tile, (0, 1), keepdims=True)
        smooth = np.broadcast_to(mean, tile.shape).copy()
        for axis, index, edge in edges:
            length = tile.shape[axis]
            distance = np.arange(length, dtype=np.float32)
            distance = distance if index == 0 else distance[::-1]
            weight = np.exp2(-distance / 8).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
            smooth += weight * (edge - smooth)
        out[place] = np.rint(smooth).astype(pixels.dtype)
    return out
