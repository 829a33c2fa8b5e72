"""Attention inside windows: its cost is linear in the picture, and no matrix of all pairs exists."""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, LayerNorm
from hpcmcodec.nn.module import Array, Module, constant

WINDOW = 8
_EPS = 1e-6


class CrossAttentionCell(Module):
    """Context fusion (HPCM, arXiv 2507.19125, section 3.3): queries from the new parameters, keys and values from the
    previous context, inside non-overlapping windows.

    `conv_out` projects the query input, as a skip path; the attention's own result is added without a projection.
    """

    def __init__(self, channels: int, window: int, heads: int) -> None:
        self.window, self.heads = window, heads
        self.conv_q = Conv2d(channels, channels)
        self.conv_k = Conv2d(channels, channels)
        self.conv_v = Conv2d(channels, channels)
        self.conv_out = Conv2d(channels, channels)

    def __call__(self, parameters: Array, context: Array) -> Array:
        """Both (N, channels, H, W), H and W multiples of the window -> the next context, same shape."""
        q, k, v = self.conv_q(parameters), self.conv_k(context), self.conv_v(context)
        return ops.window_attention(q, k, v, self.window, self.heads) + self.conv_out(parameters)


def norm(channels: int) -> LayerNorm:
    """The layer normalisation before attention."""
    return LayerNorm(channels, _EPS)


class WindowAttention(Module):
    """Queries of one map, keys and values of another, (N, M, H, W) both, of any size: the last windows are smaller."""

    def __init__(self, channels: int, heads: int) -> None:
        self.heads = heads
        self.q, self.k, self.v, self.o = (Conv2d(channels, channels) for _ in range(4))

    def __call__(self, query: Array, source: Array) -> Array:
        q, k, v = self.q(query), self.k(source), self.v(source)
        return self.o(ops.window_attention(q, k, v, WINDOW, self.heads))


class AttentionBlock(Module):
    """Attention of a map (N, C, H, W) to itself, added to it with a gain per channel that is zero at first."""

    def __init__(self, channels: int, heads: int) -> None:
        self.norm, self.attention = norm(channels), WindowAttention(channels, heads)
        self.parameter("gamma", channels, init=constant(0.0))

    def __call__(self, x: Array) -> Array:
        tokens = self.norm(x)
        return ops.add_scaled(x, self.gamma, self.attention(tokens, tokens))
