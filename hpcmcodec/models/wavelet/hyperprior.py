"""The hyperprior on the bands (phase 3 and later): it analyses the latent's bands, and every band has a head of its
own."""

from __future__ import annotations

from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.transforms import down, residual_blocks, up
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.weconv import SimpleWeConv
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, PConvRB
from hpcmcodec.nn.module import Array, Module, Sequential
from hpcmcodec.nn.sizes import AnySize, round_up


class BandAnalysis(Module):
    """Latent (N, M, H, W) -> hyper-latent (N, channels, ceil(H/4), ceil(W/4)). Low and high bands are looked at apart
    first; the block counts of the base's hyperprior do not matter."""

    def __init__(self, base: HpcmConfig) -> None:
        m, partial, width = base.latent_channels, base.transform.partial, base.hyper.width
        self.low, self.high = PConvRB(m, partial), PConvRB(3 * m, partial, expansion=2)
        self.join = Conv2d(4 * m, width)
        self.before, self.weconv, self.after = PConvRB(width, partial), SimpleWeConv(width), PConvRB(width, partial)
        self.down = down(width, base.hyper.channels)

    def __call__(self, y: Array) -> Array:
        low, high = bands.low_and_high(y)
        x = self.join(ops.concat((self.low(low), self.high(high))))
        x = self.after(self.weconv(self.before(x)))
        h, w = x.shape[2:]
        return self.down(ops.extend(x, round_up(h, 2), round_up(w, 2)))


class BandSynthesis(Module):
    """Hyper-latent (N, channels, ceil(h/2), ceil(w/2)) -> parameters of the four bands, (N, 2M, h, w) each, scales
    above means."""

    def __init__(self, base: HpcmConfig) -> None:
        m, partial, width = base.latent_channels, base.transform.partial, base.hyper.width
        self.up = up(base.hyper.channels, width)
        self.before, self.weconv = PConvRB(width, partial), SimpleWeConv(width)
        self.after = residual_blocks(2, width, partial)
        self.heads = [Sequential(Conv2d(width, 2 * m), PConvRB(2 * m, partial)) for _ in bands.BANDS]

    def __call__(self, z: Array, rows: AnySize, columns: AnySize) -> list[Array]:
        x = self.weconv(self.before(bands.crop(self.up(z), rows, columns)))
        for block in self.after:
            x = block(x)
        return [head(x) for head in self.heads]
