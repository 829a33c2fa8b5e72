"""Hyper parameters of the bands: from those of the latent (phases 1 and 2), and refined once the low band is known."""

from __future__ import annotations

from hpcmcodec.models.wavelet import bands
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module
from hpcmcodec.nn.sizes import round_up

SCALE_FLOOR = 0.12
"""Smaller scales are coded as this one, in the bands as in the latent."""


class BandHyper(Module):
    """Spatial parameters (N, 2M, H, W), scales above means -> those of the four bands, (N, 2M, h, w) each.

    Means go through the transform, and scales are what it makes of independent variables with the spatial ones: a
    trained hyper-synthesis is a good start. `residual` learns what is left.
    """

    def __init__(self, m: int) -> None:
        self.latent_channels = m
        self.residual = Conv2d(2 * m, 8 * m, 2, 2, zero=True)

    def __call__(self, params: Array) -> list[Array]:
        m = self.latent_channels
        h, w = params.shape[2:]
        scale = ops.cell_rms(params[:, :m], SCALE_FLOOR)
        means = bands.split(params[:, m:])
        residual = self.residual(ops.extend(params, round_up(h, 2), round_up(w, 2)))
        parts = [residual[:, 2 * m * band : 2 * m * (band + 1)] for band in range(len(means))]
        return [ops.concat((scale + part[:, :m], mean + part[:, m:])) for mean, part in zip(means, parts, strict=True)]


class Refinement(Module):
    """Parameters of a high band (N, 2M, h, w) and the low band's prior (N, M, h, w) -> better parameters."""

    def __init__(self, m: int) -> None:
        self.hidden, self.out = Conv2d(3 * m, 2 * m), Conv2d(2 * m, 2 * m, zero=True)

    def __call__(self, params: Array, prior: Array) -> Array:
        return params + self.out(ops.leaky_relu(self.hidden(ops.concat((params, prior)))))
