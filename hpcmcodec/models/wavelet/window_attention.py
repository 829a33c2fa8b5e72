"""Attention inside windows of 8x8 positions: its cost is linear in the picture, and no matrix of all pairs exists."""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, LayerNorm
from hpcmcodec.nn.module import Array, Module

WINDOW = 8
_EPS = 1e-6


def norm(channels: int) -> LayerNorm:
    """The layer normalisation of these parts."""
    return LayerNorm(channels, _EPS)


class WindowAttention(Module):
    """Queries of one map, keys and values of another, (N, M, H, W) both, of any size: the last windows are smaller."""

    def __init__(self, channels: int, heads: int) -> None:
        self.heads = heads
        self.q, self.k, self.v, self.o = (Conv2d(channels, channels) for _ in range(4))

    def __call__(self, query: Array, source: Array) -> Array:
        q, k, v = self.q(query), self.k(source), self.v(source)
        return self.o(ops.window_attention(q, k, v, WINDOW, self.heads))
