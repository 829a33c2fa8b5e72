"""The whole network of the wavelet family behind the model interface that the codec and training use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpcmcodec.models.hpcm import FixedRate
from hpcmcodec.models.hyperprior import hyper_analysis, hyper_synthesis
from hpcmcodec.models.transforms import Analysis, Synthesis
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.adaptive import StepSizes
from hpcmcodec.models.wavelet.coding import BandSource, Code
from hpcmcodec.models.wavelet.config import WaveletConfig
from hpcmcodec.models.wavelet.frequency import FrequencyRefinement
from hpcmcodec.models.wavelet.groups import CheckerboardTraversal
from hpcmcodec.models.wavelet.hyper import BandHyper, Refinement
from hpcmcodec.models.wavelet.hyperprior import BandAnalysis, BandSynthesis
from hpcmcodec.models.wavelet.low_context import LowContext
from hpcmcodec.models.wavelet.schedule import (
    STREAM_HIGH,
    STREAM_LOW,
    BandStep,
    Places,
    checkerboard_places,
    checkerboard_steps,
    hpcm_places,
    hpcm_steps,
)
from hpcmcodec.models.wavelet.traversal import BandTraversal
from hpcmcodec.models.wavelet.weconv import WeAnalysis, WeSynthesis
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.module import Array, Module
from hpcmcodec.nn.sizes import AnySize, round_up

_HYPER_CELL = 4
"""Latents along the side of a hyper-latent."""


class Wavelet(FixedRate):
    """Network of a `WaveletConfig`; pictures are padded to multiples of 16 pixels only."""

    pad_multiple = 16

    def __init__(self, config: WaveletConfig) -> None:
        self.config = config
        base, m = config.base, config.latent_channels
        self.latent_channels = m
        self.declare_hyper(base.hyper.channels)
        if config.has("weconv"):
            self.g_a: Module = WeAnalysis(base.transform, config.use_simple_weconv)
            self.g_s: Module = WeSynthesis(base.transform, config.use_simple_weconv)
        else:
            self.g_a, self.g_s = Analysis(base.transform), Synthesis(base.transform)
        if config.has("band_hyperprior"):
            self.h_a_w, self.h_s_w = BandAnalysis(base), BandSynthesis(base)
        else:
            self.h_a, self.h_s, self.band_hyper = hyper_analysis(base), hyper_synthesis(base), BandHyper(m)
        self.frequency: Module | None = None
        if config.has("frequency"):
            self.low_context = LowContext(m, config.attention_heads)
            self.frequency = FrequencyRefinement(m, config.attention_heads)
        else:
            self.refine = [Refinement(m) for _ in bands.HIGH]
        adaptive = config.has("frequency") and config.use_adaptive_quant
        self.step_sizes = [StepSizes(m) for _ in bands.BANDS] if adaptive else []
        self.schedule: tuple[BandStep, ...]
        if config.checkerboard:
            self.context: Module = CheckerboardTraversal(config)
            self.schedule = checkerboard_steps(config.checkerboard_groups)
        else:
            self.context = BandTraversal(config)
            self.schedule = hpcm_steps(config.skip_s3_for_hf)

    # ------------------------------------------------------------------------------------------ hyperprior
    def hyper_analyse(self, y: Array, condition: None = None) -> Array:
        """Latent y (N, M, H, W) -> hyper-latent minus its learned mean, (N, channels, ceil(H/4), ceil(W/4))."""
        if self.config.has("band_hyperprior"):
            return self.h_a_w(y) - self.means_hyper
        rows, columns = (round_up(side, _HYPER_CELL) for side in y.shape[2:])
        return super().hyper_analyse(ops.extend(y, rows, columns))

    def hyper_synthesise(self, z_symbols: Array, grid: tuple[AnySize, AnySize]) -> list[Array]:
        """Hyper-latent symbols as floats -> hyper parameters of the bands of a latent of this grid, (N, 2M, h, w) each,
        scales above means."""
        z = z_symbols + self.means_hyper
        if self.config.has("band_hyperprior"):
            return [ops.as_float32(part) for part in self.h_s_w(z, *map(bands.halved, grid))]
        params = self.h_s(z)
        return self.band_hyper(ops.as_float32(bands.crop(params, *grid)))

    # ------------------------------------------------------------------------------------------ traversal
    def traverse(self, z_symbols: Array, condition: None, code: Code) -> Array:
        """`traverse_grid` for a latent that fills the cells of its hyper-latent."""
        h, w = z_symbols.shape[2:]
        return self.traverse_grid(z_symbols, condition, code, (_HYPER_CELL * h, _HYPER_CELL * w))

    def traverse_grid(self, z_symbols: Array, condition: None, code: Code, grid: tuple[AnySize, AnySize]) -> Array:
        """Run all coding steps; `code(step, mean, scale)` returns the step's elements, symbol + mean, all (N, K).

        Steps that have no elements are not given to `code`. Returns the decoded latent (N, M, *grid).
        """
        params, places = self.hyper_synthesise(z_symbols, grid), self.places(grid)
        (low,) = self._pass(STREAM_LOW, [self._source(band, params[band]) for band in bands.LOW], places, code)
        prior, refined = self._informed([params[band] for band in bands.HIGH], low)
        sources = [self._source(band, phi, prior) for band, phi in zip(bands.HIGH, refined, strict=True)]
        return bands.join([low, *self._pass(STREAM_HIGH, sources, places, code)], *grid)

    def _source(self, band: int, params: Array, prior: Array | None = None) -> BandSource:
        delta = self.step_sizes[band](params) if self.step_sizes else None
        return BandSource(band, params, delta, prior)

    def _informed(self, params: list[Array], low: Array) -> tuple[Array, list[Array]]:
        """What the high bands' networks see of the decoded low band, and the high bands' better parameters."""
        if self.frequency is None:
            return low, [net(phi, low) for net, phi in zip(self.refine, params, strict=True)]
        context = self.low_context(low)
        return context, self.frequency(params, context)

    def _pass(self, stream: int, sources: list[BandSource], places: Places, code: Code) -> list[Array]:
        found: list[Array] = self.context.code_bands(
            [step for step in self.schedule if step.scale == stream], sources, places, code
        )
        return found

    def places(self, grid: tuple[AnySize, AnySize]) -> Places:
        """Where the elements of each step lie in the bands of a latent of this grid."""
        config, m = self.config, self.latent_channels
        if config.checkerboard:
            return checkerboard_places(config.checkerboard_groups, config.checkerboard_rotate, m, *grid)
        return hpcm_places(self.schedule, m, *grid)

    def pick(self, y: Array) -> Callable[[BandStep], Array]:
        """A function that gives the elements of a latent y (N, M, H, W) that are coded in a step, (N, K)."""
        places = self.places(tuple(y.shape[2:]))
        found = [ops.extend(band, *places.grid) for band in bands.split(y)]

        def elements(step: BandStep) -> Any:
            return ops.select([found[band] for band in step.bands], places.of(step))

        return elements
