"""The checkerboard traversal of the bands: a few groups of positions, each seeing all earlier ones (phase 5).

One set of networks serves the low band and one the three high bands, in all groups alike; nothing is carried from one
group to the next but what is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpcmcodec.models import geometry
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.coding import BandSource, Code, code_elements
from hpcmcodec.models.wavelet.config import WaveletConfig
from hpcmcodec.models.wavelet.context_nets import BasicContext, EnhancedContext, LightContext
from hpcmcodec.models.wavelet.pyramid import MultiResolution
from hpcmcodec.models.wavelet.schedule import BandStep, Places
from hpcmcodec.models.wavelet.traversal import Embeddings
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module


class CheckerboardTraversal(Module):
    """The context networks."""

    def __init__(self, config: WaveletConfig) -> None:
        m = config.latent_channels
        self.latent_channels = m
        has_pyramid = config.use_enhanced_context
        self.pyramid = MultiResolution(m, light=config.lightweight_context) if has_pyramid else None
        # What is decoded, hyper parameters, the pyramid, what of the low band is known, the mask.
        inputs = (4 if has_pyramid else 3) * m + 1
        self.enter_low, self.enter_high = Conv2d(inputs, 3 * m), Conv2d(inputs + m, 3 * m)
        self.context_low, self.context_high = _context(config), _context(config)
        self.high_embeddings = Embeddings(len(bands.HIGH), 3 * m)

    def code_bands(
        self, steps: Sequence[BandStep], sources: Sequence[BandSource], places: Places, code: Code
    ) -> list[Array]:
        """One pass over the bands of `sources`. Returns them, (N, M, h, w) each."""
        latents = [geometry.zeros(source.params, self.latent_channels) for source in sources]
        deltas = [source.delta for source in sources]
        for step in steps:
            if places.empty(step):
                continue
            pairs = zip(sources, latents, strict=True)
            predicted = [self.predict(step, source, latent, places) for source, latent in pairs]
            latents = code_elements(step, predicted, latents, deltas, places, code)
        return latents

    def predict(self, step: BandStep, source: BandSource, latent: Array, places: Places) -> Array:
        """Scales above means for the whole band, (N, 2M, h, w)."""
        if not step.label:
            return source.params
        labels = places.labels[step.scale]
        channels = 1 if labels.groups == 1 else self.latent_channels
        part = places.defined(source.number)
        known = ops.label_mask(latent, labels, channels, step.label, part, places.grid)
        parts = [latent, source.params]
        if self.pyramid is not None:
            parts.append(self.pyramid(latent, known))
        if source.prior is not None:
            parts.append(source.prior)
        x = ops.concat([*parts, ops.sum_channels(known) / float(channels)])
        if source.number in bands.LOW:
            return source.params + self.context_low(self.enter_low(x))
        embedding = self.high_embeddings(source.number - bands.HIGH[0])
        return source.params + self.context_high(self.enter_high(x) + embedding)


def _context(config: WaveletConfig) -> Module:
    m = config.latent_channels
    if config.lightweight_context:
        return LightContext(m)
    return EnhancedContext(m) if config.use_enhanced_context else BasicContext(m)
