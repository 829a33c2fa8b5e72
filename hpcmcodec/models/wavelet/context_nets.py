"""The networks that turn what is known of a band into a correction of its parameters (phase 5).

All take features (N, 3M, h, w) and give (N, 2M, h, w), zero at first.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpcmcodec.models.spatial_prior import depthwise_blocks
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, Depthwise3x3, Grouped3x3
from hpcmcodec.nn.module import Array, Module, Sequential


class BasicContext(Sequential):
    """Three depthwise blocks."""

    def __init__(self, m: int) -> None:
        super().__init__(*depthwise_blocks(3, 3 * m), Conv2d(3 * m, 2 * m, zero=True))


class EnhancedContext(Module):
    """Full convolutions on features that an attention map weighs by position, and the features themselves."""

    def __init__(self, m: int) -> None:
        self.attention = [Conv2d(3 * m, m), Conv2d(m, m // 4), Conv2d(m // 4, 1)]
        self.trunk = [
            Conv2d(3 * m, 2 * m, 3, 1, 1),
            Conv2d(2 * m, 2 * m, 3, 1, 1),
            Conv2d(2 * m, 2 * m, 3, 1, 1),
            Conv2d(2 * m, m, 3, 1, 1),
            Conv2d(m, 2 * m, zero=True),
        ]
        self.residual = Conv2d(3 * m, 2 * m, zero=True)

    def __call__(self, x: Array) -> Array:
        return _chain(self.trunk, x * ops.sigmoid(_chain(self.attention, x))) + self.residual(x)


class LightContext(Module):
    """As `EnhancedContext`, of a tenth of its weights."""

    def __init__(self, m: int) -> None:
        self.attention = [Depthwise3x3(3 * m), Conv2d(3 * m, 1)]
        self.trunk = [Grouped3x3(3 * m, m), Conv2d(3 * m, 2 * m), Conv2d(2 * m, 2 * m, zero=True)]
        self.residual = Conv2d(3 * m, 2 * m, zero=True)

    def __call__(self, x: Array) -> Array:
        spatial, point = self.attention
        return _chain(self.trunk, x * ops.sigmoid(point(spatial(x)))) + self.residual(x)


def _chain(layers: Sequence[Module], x: Array) -> Array:
    """Layers with activations between them."""
    x = layers[0](x)
    for layer in layers[1:]:
        x = layer(ops.leaky_relu(x))
    return x
