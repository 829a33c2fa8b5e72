"""Phase 3: linear attention over the positions of all remembered contexts, each reduced to a summary of constant size.

Keys are softmaxed over positions and queries over the channels of a head (Shen et al., arXiv 1812.01243; MLIC++, arXiv
2307.15421), so that what attention needs of an entry are sums over its positions.
"""

from __future__ import annotations

from hpcmcodec.models.multiref.bank import Bank, Depthwise
from hpcmcodec.models.multiref.config import HEAD
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module, constant


class LinearMemory(Module):
    """Entries are triples (peak (N, d), mass (N, d), sums (N, d, HEAD)) as `ops.summarise` makes them.

    width: d, the same at all scales, since summaries are handed from scale to scale as they are. `reads` False leaves
    only what writing needs.
    """

    def __init__(self, channels: int, width: int, *, reads: bool) -> None:
        self.heads = width // HEAD
        self.key_pw, self.key_dw = Conv2d(channels, width), Depthwise(width)
        self.value_pw, self.value_dw = Conv2d(channels, width), Depthwise(width)
        if reads:
            self.query_pw, self.query_dw = Conv2d(channels, width), Depthwise(width)
            self.out = Conv2d(width, channels)
            self.gate1, self.gate2 = Conv2d(channels + width, channels // 2), Conv2d(channels // 2, 1)
            self.parameter("gamma", channels, init=constant(0.0))

    def entry(self, h: Array) -> tuple[Array, Array, Array]:
        """What is remembered of a context (N, C, h, w): nothing that grows with it."""
        key, value = self.key_dw(self.key_pw(h)), self.value_dw(self.value_pw(h))
        summary: tuple[Array, Array, Array] = ops.summarise(key, value, self.heads)
        return summary

    def read(self, bank: Bank, h: Array) -> Array:
        """The context with what attention over all positions of all entries finds."""
        total = bank[0]
        for entry in bank[1:]:
            total = ops.join_summaries(total, entry)
        found = ops.attend_summary(self.query_dw(self.query_pw(h)), total, self.heads)
        return self._fuse(h, found)

    def _fuse(self, h: Array, found: Array) -> Array:
        gate = ops.sigmoid(self.gate2(ops.leaky_relu(self.gate1(ops.concat((h, found))))))
        return ops.add_scaled(h, self.gamma, gate * self.out(found))
