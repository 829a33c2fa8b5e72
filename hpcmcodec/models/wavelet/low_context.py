"""What the high bands learn of the low band, beyond its values (phases 4 and 5)."""

from __future__ import annotations

from hpcmcodec.models.attention import WindowAttention, norm
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module


class LowContext(Module):
    """Decoded low band (N, M, h, w) -> its context, same shape. Every picture is normalised by itself alone."""

    def __init__(self, m: int, heads: int) -> None:
        self.norm, self.attention = norm(m), WindowAttention(m, heads)
        self.spatial = [Conv2d(m, m, 3, 1, 1) for _ in range(3)]
        self.spatial_norm = norm(m)
        self.mix = [Conv2d(m, m) for _ in range(2)]

    def __call__(self, low: Array) -> Array:
        normed = self.norm(low)
        seen = low + self.attention(normed, normed)
        spatial = self.spatial_norm(_chain(self.spatial, seen)) + low
        return spatial + _chain(self.mix, spatial)


def _chain(layers: list[Conv2d], x: Array) -> Array:
    x = layers[0](x)
    for layer in layers[1:]:
        x = layer(ops.leaky_relu(x))
    return x
