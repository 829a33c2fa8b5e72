"""HPCM's traversal on the bands: one pass over the low band, one over the three high bands in lock step.

The networks at a scale are those of the HPCM family and shared by all bands. The high bands have adaptors of their own,
which see the low band's prior as channels of its own, and each of them its own vectors and embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpcmcodec.models import geometry
from hpcmcodec.models.geometry import SCALE1, SCALE2
from hpcmcodec.models.schedule import ContextStep
from hpcmcodec.models.spatial_prior import AdaptiveVectors
from hpcmcodec.models.traversal import ContextTraversal, State
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.coding import BandSource, Code, code_elements
from hpcmcodec.models.wavelet.config import WaveletConfig
from hpcmcodec.models.wavelet.schedule import HpcmStep, Places
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module, constant, fan_in_uniform


@dataclass(frozen=True)
class Band:
    """A band on its way through a pass. `source`: hyper parameters, steps and prior on the grid; `context`
    (N, 2M, h, w) at the current scale; `latent` (N, M, *grid), 0 where nothing is decoded."""

    source: BandSource
    context: Array
    latent: Array


class BandTraversal(ContextTraversal):
    """The context networks. Those of the low band carry the names of the HPCM family."""

    def __init__(self, config: WaveletConfig) -> None:
        super().__init__(config.base)
        m = config.latent_channels
        steps = config.high_steps - 1  # the first one has no network
        self.high_adaptors = [HighAdaptor(m) for _ in range(steps)]
        self.high_vectors = [AdaptiveVectors(steps, 3 * m) for _ in bands.HIGH]
        self.high_embeddings = Embeddings(len(bands.HIGH), 3 * m)

    def code_bands(
        self, steps: Sequence[HpcmStep], sources: Sequence[BandSource], places: Places, code: Code
    ) -> list[Array]:
        """One pass over the bands of `sources`. Returns them, (N, M, h, w) each."""
        h, w = sources[0].params.shape[2:]
        found = [self._begin(source.extended(*places.grid)) for source in sources]
        scale = 1
        for step in steps:
            if step.context.scale != scale:
                scale = step.context.scale
                found = [self._refine(band, scale) for band in found]
            predicted = [self._predict(step, band) for band in found]
            full = [_spread(step.context.scale, p) for p in predicted]
            latents = code_elements(
                step, full, [b.latent for b in found], [b.source.delta for b in found], places, code
            )
            found = [replace(band, latent=latent) for band, latent in zip(found, latents, strict=True)]
            if step is not steps[-1]:  # nothing reads the context after the last step
                found = [self._fuse(step.context, p, band) for p, band in zip(predicted, found, strict=True)]
        return [ops.crop(band.latent, h, w) for band in found]

    def _begin(self, source: BandSource) -> Band:
        latent = geometry.zeros(source.params, self.latent_channels)
        return Band(source, _at(1, source.params, parts=2), latent)

    def _refine(self, band: Band, scale: int) -> Band:
        """Carry the context to the next finer scale, with hyper parameters where nothing is decoded yet."""
        net, lattice = self.context_net[scale - 2], (SCALE1, SCALE2)[scale - 2]
        hyper = _at(scale, band.source.params, parts=2)
        return replace(band, context=net(geometry.overlay(hyper, band.context, lattice, parts=2)))

    def _predict(self, step: HpcmStep, band: Band) -> Array:
        """Scales above means at the current scale, (N, 2M, h, w)."""
        state = State(band.context, _at(step.context.scale, band.latent))
        if band.source.prior is None or step.context.gain is None:
            return self.predict(step.context, state)
        index = step.label - 1
        high = band.source.number - bands.HIGH[0]
        prior = _at(step.context.scale, band.source.prior)
        adapted = self.high_adaptors[index](ops.concat((state.context, state.latent, prior)))
        adapted = adapted + self.high_embeddings(high)
        return self.prior(step.context, adapted, self.high_vectors[high](index))

    def _fuse(self, step: ContextStep, predicted: Array, band: Band) -> Band:
        return replace(band, context=self.fuse(step, predicted, State(band.context, band.latent))[0])


def _at(scale: int, x: Array, parts: int = 1) -> Array:
    """The samples of a band's map on the grid of a scale."""
    for lattice in (SCALE2, SCALE1)[: 3 - scale]:
        x = geometry.sample(x, lattice, parts)
    return x


def _spread(scale: int, x: Array) -> Array:
    """Predictions (N, 2M, h, w) of a scale at their places on the band's grid, 0 elsewhere."""
    for lattice in (SCALE1, SCALE2)[scale - 1 :]:
        x = geometry.scatter(x, lattice, parts=2)
    return x


class HighAdaptor(Conv2d):
    """Adaptor of the high bands: context, what is decoded, and last the low band's prior, which is unseen at first."""

    def __init__(self, m: int) -> None:
        super().__init__(4 * m, 3 * m)
        draw = fan_in_uniform()

        def init(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
            weight = draw(rng, shape)
            weight[:, 3 * m :] = 0
            return weight

        self.parameter("weight", 3 * m, 4 * m, 1, 1, init=init)


class Embeddings(Module):
    """A vector per band, added to its features; named 0, 1, 2."""

    def __init__(self, count: int, channels: int) -> None:
        for index in range(count):
            self.parameter(str(index), 1, channels, 1, 1, init=constant(0.0))

    def __call__(self, index: int) -> Array:
        return getattr(self, str(index))
