"""Analysis and synthesis: a linear lapped transform and a deep correction beside it, in both directions."""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module

from .layers import Stage

BLOCK = 16


class LinearPath(Module):
    """Lapped pre-filter over block borders (Tran, Liang, Tu 2003), then the Karhunen-Loeve transform of the blocks."""

    def __init__(self, channels: int) -> None:
        self.parameter("pre", BLOCK, BLOCK)
        self.parameter("post", BLOCK, BLOCK)
        self.parameter("ana", channels, 3 * BLOCK * BLOCK, 1, 1)
        self.parameter("syn", 3 * BLOCK * BLOCK, channels, 1, 1)

    def analyse(self, x: Array) -> Array:
        """(N, 3, H, W) in 0..1 -> (N, M, H/16, W/16)."""
        blocks = ops.pixel_unshuffle(ops.lapped_filter(x - 0.5, self.pre), BLOCK)
        return ops.matrix(blocks, self.ana)

    def synthesise(self, y: Array) -> Array:
        """Inverse of `analyse` as far as M channels carry."""
        x = ops.pixel_shuffle(ops.matrix(y, self.syn), BLOCK)
        return ops.lapped_filter(x, self.post) + 0.5


class Analysis(Module):
    """Deep part of g_a: strides 4, 8, 16 by pixel unshuffling and 1x1 convolutions."""

    def __init__(self, channels: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        a, b, c = widths
        self.stem, self.s4 = Conv2d(48, a), Stage(a, blocks[0])
        self.down8, self.s8 = Conv2d(4 * a, b), Stage(b, blocks[1])
        self.down16, self.s16 = Conv2d(4 * b, c), Stage(c, blocks[2])
        self.head = Conv2d(c, channels, zero=True)

    def __call__(self, x: Array, weights: Array) -> Array:
        t = self.s4(self.stem(ops.pixel_unshuffle(x * 2.0 - 1.0, 4)), weights)
        t = self.s8(self.down8(ops.pixel_unshuffle(t, 2)), weights)
        t = self.s16(self.down16(ops.pixel_unshuffle(t, 2)), weights)
        return self.head(t)


class Synthesis(Module):
    """Deep part of g_s, the mirror of `Analysis`."""

    def __init__(self, channels: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        a, b, c = widths
        self.stem, self.s16 = Conv2d(channels, c), Stage(c, blocks[2])
        self.up8, self.s8 = Conv2d(c, 4 * b), Stage(b, blocks[1])
        self.up4, self.s4 = Conv2d(b, 4 * a), Stage(a, blocks[0])
        self.head = Conv2d(a, 48, 3, 1, 1, zero=True)

    def __call__(self, y: Array, weights: Array) -> Array:
        t = self.s16(self.stem(y), weights)
        t = self.s8(ops.pixel_shuffle(self.up8(t), 2), weights)
        t = self.s4(ops.pixel_shuffle(self.up4(t), 2), weights)
        return ops.pixel_shuffle(self.head(t), 4)
