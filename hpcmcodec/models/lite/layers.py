"""Parts shared by lite's transforms and context: vectors by quality, modulated stages."""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import PConvRB
from hpcmcodec.nn.module import Array, Module, Sequential

ANCHORS = 5
"""Qualities (equally spaced over 0..1) at which tables hold a row."""


class Table(Module):
    """A vector per quality: linear interpolation between rows at the anchors."""

    def __init__(self, channels: int) -> None:
        self.parameter("rows", ANCHORS, channels)

    def __call__(self, weights: Array) -> Array:
        """weights (N, ANCHORS) -> (N, channels)."""
        return ops.blend_rows(weights, self.rows)


class Modulate(Module):
    """x * (1 + a) + b with a and b by quality: HPCM's adaptive vectors, for a variable rate."""

    def __init__(self, channels: int) -> None:
        self.channels, self.table = channels, Table(2 * channels)

    def __call__(self, x: Array, weights: Array) -> Array:
        ab = self.table(weights)
        return ops.scale_shift(x, ab[:, : self.channels] + 1.0, ab[:, self.channels :])


class Stage(Module):
    """Modulation by quality, then partial-convolution residual blocks, at one resolution."""

    def __init__(self, channels: int, blocks: int) -> None:
        self.mod = Modulate(channels)
        self.blocks = Sequential(*(PConvRB(channels, partial=4, expansion=2) for _ in range(blocks)))

    def __call__(self, x: Array, weights: Array) -> Array:
        return self.blocks(self.mod(x, weights))
