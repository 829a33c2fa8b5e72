"""WeConv blocks: convolutions on the Haar bands of a map, added to the map (idea: WeConvene, arXiv 2407.09983).

Every block takes maps of any size, odd ones too. In a network that grows out of a trained one it starts as the
identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpcmcodec.models.config import TransformConfig
from hpcmcodec.models.transforms import Analysis, Chain, Synthesis
from hpcmcodec.models.wavelet import bands
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, Depthwise3x3, LayerNorm
from hpcmcodec.nn.module import Array, Module, constant

_STAGE = 2
"""Index of the transforms' stage that has the blocks: stride 8."""
_START = 0.1
"""Gain of a simple block in a network that is trained from scratch."""


def weconv(channels: int, simple: bool) -> Module:
    """A block of either kind."""
    return SimpleWeConv(channels) if simple else FullWeConv(channels)


class SimpleWeConv(Module):
    """x + alpha * bands: a 1x1 convolution of the low band and one of the high bands together."""

    def __init__(self, channels: int) -> None:
        self.low, self.high = Conv2d(channels, channels), Conv2d(3 * channels, 3 * channels)
        self.parameter("alpha", 1, init=constant(_START), grown=constant(0.0))

    def __call__(self, x: Array) -> Array:
        low, high = bands.low_and_high(x)
        return x + self.alpha * bands.join((self.low(low), self.high(high)), *x.shape[2:])


class FullWeConv(Module):
    """Depthwise convolutions of the bands, fused with the map; then a feed-forward network. Both are residuals that
    end in a layer normalisation."""

    def __init__(self, channels: int, expansion: int = 4) -> None:
        self.low, self.low_mix = Depthwise3x3(channels), Conv2d(channels, channels)
        self.high = Depthwise3x3(3 * channels)
        self.fuse, self.fuse_space = Conv2d(2 * channels, channels), Depthwise3x3(channels)
        self.norm1 = LayerNorm(channels, grown=0.0)
        self.expand, self.reduce = Conv2d(channels, expansion * channels), Conv2d(expansion * channels, channels)
        self.norm2 = LayerNorm(channels, grown=0.0)

    def __call__(self, x: Array) -> Array:
        fused = self.fuse(ops.concat((self.in_bands(x), x)))
        x = x + self.norm1(self.fuse_space(ops.leaky_relu(fused)))
        return x + self.norm2(self.reduce(ops.leaky_relu(self.expand(x))))

    def in_bands(self, x: Array) -> Array:
        """The convolutions of the bands, as a map of x's size."""
        low, high = bands.low_and_high(x)
        changed = self.low_mix(ops.leaky_relu(self.low(low))), ops.leaky_relu(self.high(high))
        return bands.join(changed, *x.shape[2:])


class _Woven(Chain):
    """A transform with a block before each of `places` in its branch, whose layers keep their names."""

    branch: list[Module]
    weconv: list[Module]
    places: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        for layer in self._layers():
            x = layer(x)
        return x

    def _layers(self) -> Iterator[Module]:
        blocks = list(zip(self.places, self.weconv, strict=True))
        for index in range(len(self.branch) + 1):
            yield from (block for place, block in blocks if place == index)
            yield from self.branch[index : index + 1]


class WeAnalysis(_Woven, Analysis):
    """g_a with a block after half of the residual blocks at stride 8, and one after all of them."""

    def __init__(self, config: TransformConfig, simple: bool) -> None:
        super().__init__(config)
        counts = config.analysis_blocks
        first = _layers_of(counts[:_STAGE]) + 1  # after the convolution that leads to the stage
        self.places = first + counts[_STAGE] // 2, first + counts[_STAGE]
        self.weconv = [weconv(config.widths[_STAGE], simple) for _ in self.places]


class WeSynthesis(_Woven, Synthesis):
    """g_s with a block before the residual blocks at stride 8, and one before the second half of them."""

    def __init__(self, config: TransformConfig, simple: bool) -> None:
        super().__init__(config)
        counts = config.synthesis_blocks
        first = _layers_of(counts[_STAGE + 1 :])
        self.places = first, first + counts[_STAGE] // 2
        self.weconv = [weconv(config.widths[_STAGE], simple) for _ in self.places]


def _layers_of(counts: Sequence[int]) -> int:
    """Layers of whole stages: their residual blocks, and a change of resolution each."""
    return sum(counts) + len(counts)
