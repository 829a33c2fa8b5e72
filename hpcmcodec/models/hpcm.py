"""The HPCM family: fixed-rate networks with hierarchical progressive context (arXiv 2507.19125).

One class for all presets; parameters are named as in the official checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpcmcodec.models import geometry
from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.geometry import SCALE1, SCALE2
from hpcmcodec.models.hyperprior import hyper_analysis, hyper_synthesis
from hpcmcodec.models.network import CodecNetwork
from hpcmcodec.models.schedule import ContextStep
from hpcmcodec.models.transforms import Analysis, Synthesis
from hpcmcodec.models.traversal import Code, ContextTraversal
from hpcmcodec.nn.module import Array, Module, constant


class FixedRate(CodecNetwork):
    """What fixed-rate networks have in common: picture (N, 3, H, W) in 0..1, sides multiples of `pad_multiple`, to
    latents and back, and the hyper-latent's distribution.

    `condition` is None everywhere. Scales are those of a generalised Gaussian with exponent 1.5 and may come out small
    or negative; the scale index bounds them from below.
    """

    stride = 16
    rate = "fixed"
    distribution = "generalised_gaussian"

    g_a: Module
    g_s: Module
    h_a: Module
    context: Module

    def declare_hyper(self, channels: int) -> None:
        """Parameters of the hyper-latent's distribution."""
        self.hyper_channels = channels
        self.parameter("means_hyper", 1, channels, 1, 1)
        self.parameter("scales_hyper", 1, channels, 1, 1, init=constant(1.0))

    def children(self) -> Iterator[tuple[str, Module]]:
        """Direct children; the context networks appear without a prefix, as in the checkpoints."""
        for name, child in super().children():
            if child is self.context:
                yield from child.children()
            else:
                yield name, child

    def condition(self, quality: object = None) -> None:
        """A fixed-rate network has nothing to condition on; `quality` is ignored."""

    def analyse(self, x: Array, condition: None = None) -> Array:
        """Picture -> latent y (N, M, H/16, W/16), in the domain that is rounded (step 1)."""
        return self.g_a(x)

    def hyper_analyse(self, y: Array, condition: None = None) -> Array:
        """Latent y -> hyper-latent minus its learned mean, (N, channels, H/64, W/64); symbols are its rounding."""
        return self.h_a(y) - self.means_hyper

    def z_scale(self, condition: None = None) -> Array:
        """Scale of every hyper-latent channel, (1, channels)."""
        return self.scales_hyper[:, :, 0, 0]

    def synthesise(self, y_hat: Array, condition: None = None) -> Array:
        """Decoded latent -> picture (N, 3, H, W), unclamped."""
        return self.g_s(y_hat)


class Hpcm(FixedRate):
    """The networks of the paper, with the parts that their configuration adds."""

    def __init__(self, config: HpcmConfig) -> None:
        self.config = config
        self.pad_multiple = config.pad_multiple
        self.latent_channels = config.latent_channels
        self.declare_hyper(config.hyper.channels)
        self.g_a = Analysis(config.transform)
        self.g_s = Synthesis(config.transform)
        self.h_a = hyper_analysis(config)
        self.h_s = hyper_synthesis(config)
        self.context: ContextTraversal = ContextTraversal(config)
        self.schedule = self.context.schedule

    def hyper_synthesise(self, z_symbols: Array) -> Array:
        """Hyper-latent symbols as floats -> hyper parameters (N, 2M, H/16, W/16), scales above means."""
        return self.h_s(z_symbols + self.means_hyper)

    def traverse(self, z_symbols: Array, condition: None, code: Code) -> Array:
        """Run all coding steps; `code(step, mean, scale)` returns the step's packed latent, symbol + mean.

        Returns the decoded latent (N, M, H/16, W/16).
        """
        return self.context(self.hyper_synthesise(z_symbols), code)

    def pick(self, y: Array) -> Callable[[ContextStep], Array]:
        """A function that gives the elements of `y` (N, M, H/16, W/16) coded in a step, packed like mean and scale."""
        half = geometry.sample(y, SCALE2)
        grids = (geometry.sample(half, SCALE1), half, y)
        return lambda step: geometry.pack(grids[step.scale - 1], step.pattern)

    def nested(self, y: Array) -> list[tuple[Array, Array]]:
        """For scales 1 and 2: their own latents (N, M, h, w), and for each of them the mean of the three latents that
        the next finer scale adds to its 2x2 cell."""
        half = geometry.sample(y, SCALE2)
        pairs = ((half, SCALE1), (y, SCALE2))
        return [(geometry.sample(fine, lattice), geometry.added(fine, lattice)) for fine, lattice in pairs]
