"""The networks that predict scales and means from the context and what is decoded so far (HPCM's g_ep and adaptors)."""

from __future__ import annotations

from hpcmcodec.models.config import PriorConfig
from hpcmcodec.nn.layers import Conv2d, DWConvRB
from hpcmcodec.nn.module import Array, Module, Sequential, constant


def depthwise_blocks(count: int, channels: int) -> list[Module]:
    """`count` depthwise residual blocks."""
    return [DWConvRB(channels) for _ in range(count)]


def adaptor(blocks: int, channels: int) -> Module:
    """What fits the input to one coding step: a 1x1 convolution (`blocks` 0) or a chain of depthwise blocks."""
    return Sequential(*depthwise_blocks(blocks, channels)) if blocks else Conv2d(channels, channels)


class SpatialPrior(Module):
    """Adapted input (N, 3M, H, W) and a step's adaptive vector (1, 3M, 1, 1) -> scales above means, (N, 2M, H, W).

    `scale` is the grid's, 1 to 3; this prior treats all alike.
    """

    def __init__(self, config: PriorConfig, latent_channels: int) -> None:
        inputs, outputs = 3 * latent_channels, 2 * latent_channels
        self.branch_1 = depthwise_blocks(config.before, inputs)
        self.branch_2 = [
            *depthwise_blocks(config.after, inputs),
            Conv2d(inputs, outputs),
            *depthwise_blocks(config.tail, outputs),
        ]

    def __call__(self, x: Array, vector: Array, scale: int) -> Array:
        for layer in self.branch_1:
            x = layer(x)
        x = x * vector
        for layer in self.branch_2:
            x = layer(x)
        return x


class AdaptiveVectors(Module):
    """One vector of feature gains per predicted step, named 0, 1, ... They scale features, not quantiser steps."""

    def __init__(self, count: int, channels: int) -> None:
        for index in range(count):
            self.parameter(str(index), 1, channels, 1, 1, init=constant(1.0))

    def __call__(self, index: int) -> Array:
        return getattr(self, str(index))
