"""How the low band's context improves the hyper parameters of the high bands (phases 4 and 5).

Queries are made of hyper parameters, never of latents, so that a decoder repeats all of it.
"""

from __future__ import annotations

from hpcmcodec.models.attention import WindowAttention, norm
from hpcmcodec.models.wavelet import bands
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module, constant


class Fusion(Module):
    """Hyper parameters of a high band (N, 2M, h, w) and the low band's context (N, M, h, w) -> a correction of the
    parameters, same shape, zero at first."""

    def __init__(self, m: int, heads: int) -> None:
        self.enter = Conv2d(2 * m, m)
        self.query_norm, self.source_norm = norm(m), norm(m)
        self.attention = WindowAttention(m, heads)
        self.norm, self.expand, self.reduce = norm(m), Conv2d(m, 2 * m), Conv2d(2 * m, m)
        self.leave = Conv2d(m, 2 * m, zero=True)

    def __call__(self, params: Array, context: Array) -> Array:
        u = self.enter(params)
        u = u + self.attention(self.query_norm(u), self.source_norm(context))
        u = u + self.reduce(ops.leaky_relu(self.expand(self.norm(u))))
        return self.leave(u)


class ChannelGate(Module):
    """The low band's context (N, M, h, w) -> for each high band gains of its correction's channels, (N, 2M, 1, 1), one
    at first. They look at the mean of the whole tile."""

    def __init__(self, m: int) -> None:
        self.latent_channels = m
        self.hidden, self.out = Conv2d(m, m // 4), Conv2d(m // 4, 6 * m, zero=True)
        for band in bands.HIGH:
            self.parameter(_scale_name(band), 1, 2 * m, 1, 1, init=constant(1.0))

    def __call__(self, context: Array) -> list[Array]:
        found = ops.sigmoid(self.out(ops.leaky_relu(self.hidden(ops.pooled(context)))))
        return [getattr(self, _scale_name(band)) * (2 * self._part(found, i)) for i, band in enumerate(bands.HIGH)]

    def _part(self, found: Array, index: int) -> Array:
        return found[:, 2 * self.latent_channels * index : 2 * self.latent_channels * (index + 1)]


def _scale_name(band: int) -> str:
    return f"scale_{bands.BANDS[band].lower()}"


class FrequencyRefinement(Module):
    """Parameters of the high bands and the low band's context -> better parameters, `Phi + gate * correction`."""

    def __init__(self, m: int, heads: int) -> None:
        self.fusion = [Fusion(m, heads) for _ in bands.HIGH]
        self.gate = ChannelGate(m)

    def __call__(self, params: list[Array], context: Array) -> list[Array]:
        gates = self.gate(context)
        return [phi + gain * fusion(phi, context) for phi, gain, fusion in zip(params, gates, self.fusion, strict=True)]
