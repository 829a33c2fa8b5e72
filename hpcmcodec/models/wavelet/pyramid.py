"""Multi-resolution context: what is known of a band, averaged over cells of 4x4, 2x2 and 1x1 positions (phase 5).

Averages are of known values only, and beside them stands how much is known: nothing decoded is told from a decoded 0.
"""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, Depthwise3x3
from hpcmcodec.nn.module import Array, Module
from hpcmcodec.nn.sizes import round_up

FACTORS = (4, 2, 1)


def masked_mean(values: Array, known: Array, factor: int) -> tuple[Array, Array]:
    """Mean of the known values of every cell, 0 where none is, and the known share of a cell, mean over channels.

    values (N, C, H, W), 0 where unknown; known (N, C or 1, H, W) 0 or 1. Returns (N, C, h, w) and (N, 1, h, w), with
    h = ceil(H / factor). Cells that stick out hold nothing there.
    """
    rows, columns = (round_up(side, factor) for side in values.shape[2:])
    values, known = ops.pad(values, rows, columns), ops.pad(known, rows, columns)
    counts = ops.cell_sum(known, factor)
    mean = ops.cell_sum(values, factor) / ops.maximum(counts, 1.0)
    return mean, ops.sum_channels(counts) / float(known.shape[1] * factor * factor)


class MultiResolution(Module):
    """What is decoded (N, M, h, w) and which of it is known -> its context, same shape. `light`: fewer weights."""

    def __init__(self, m: int, *, light: bool) -> None:
        level = LightLevel if light else Level
        self.levels = {str(factor): level(m) for factor in FACTORS}
        self.join = [Conv2d(3 * m, m)] if light else [Conv2d(3 * m, 2 * m), Conv2d(2 * m, m)]
        self.light = light

    def __call__(self, latent: Array, known: Array) -> Array:
        h, w = latent.shape[2:]
        found = []
        for factor in FACTORS:
            x = self.levels[str(factor)](ops.concat(masked_mean(latent, known, factor)))
            while factor > 1:
                x, factor = ops.double(x), factor // 2
            found.append(ops.crop(x, h, w))
        joined = ops.leaky_relu(self.join[0](ops.concat(found)))
        return joined if self.light else self.join[1](joined)


class Level(Module):
    """Means and density (N, M + 1, h, w) -> (N, M, h, w)."""

    def __init__(self, m: int) -> None:
        self.first, self.second = Conv2d(m + 1, m, 3, 1, 1), Conv2d(m, m, 3, 1, 1)

    def __call__(self, x: Array) -> Array:
        return ops.leaky_relu(self.second(ops.leaky_relu(self.first(x))))


class LightLevel(Module):
    """As `Level`."""

    def __init__(self, m: int) -> None:
        self.first, self.second = Depthwise3x3(m + 1), Conv2d(m + 1, m)

    def __call__(self, x: Array) -> Array:
        return ops.leaky_relu(self.second(ops.leaky_relu(self.first(x))))
