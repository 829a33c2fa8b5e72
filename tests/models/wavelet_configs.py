"""Small networks of the wavelet family, and what its tests share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.models.config import HpcmConfig, PriorConfig
from hpcmcodec.models.presets import PRESETS
from hpcmcodec.models.registry import build
from hpcmcodec.models.wavelet.config import WaveletConfig
from tests.models import variant_kit as kit

GOLDEN = np.load(Path(__file__).parent.parent / "data/wavelet/wavelet.npz")
M, N = 8, 8


def small(name: str, **changes: Any) -> WaveletConfig:
    """A preset with 8 latent and 8 hyper channels, and few blocks."""
    preset = PRESETS[name]
    assert isinstance(preset, WaveletConfig)
    at_stride_8 = 2 if preset.has("weconv") else 0
    transform = replace(
        preset.base.transform,
        widths=(8, 8, 8, M),
        analysis_blocks=(1, 0, at_stride_8, 0),
        synthesis_blocks=(1, 0, at_stride_8, 0),
    )
    hyper = replace(preset.base.hyper, channels=N, width=16, analysis_blocks=(1, 0), synthesis_blocks=(0, 1))
    context = replace(preset.base.context, coarse_prior=PriorConfig(1, 0, 0), fine_prior=PriorConfig(0, 1, 0), heads=4)
    return replace(preset, base=HpcmConfig(transform, hyper, context), **changes)


CONFIGS = {
    "p1": small("wavelet-p1"),
    "p1-skip": small("wavelet-p1", skip_s3_for_hf=True),
    "p2": small("wavelet-p2"),
    "p3": small("wavelet-p3"),
    "p2-full": small("wavelet-p2", use_simple_weconv=False, skip_s3_for_hf=True),
    "p4": small("wavelet-p4"),
    "p4-fixed": small("wavelet-p4", use_adaptive_quant=False, attention_heads=2, skip_s3_for_hf=True),
    "p5": small("wavelet-p5"),
    "p5-light": small("wavelet-p5", lightweight_context=True, checkerboard_groups=8, checkerboard_rotate=True),
    "p5-basic": small("wavelet-p5", use_enhanced_context=False, use_adaptive_quant=False, checkerboard_groups=2),
}


@cache
def network(name: str) -> Any:
    """A small network with formula weights, on the native backend."""
    made = build(CONFIGS[name])
    made.load(kit.formula_weights(made))
    return made


def latents(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A latent and the symbols of its hyper-latent, integers as float32."""
    rng = np.random.default_rng(seed)
    y = np.rint(rng.normal(0, 4, (1, M, rows, columns))).astype(np.float32)
    z = np.rint(rng.normal(0, 2, (1, N, -(-rows // 4), -(-columns // 4)))).astype(np.float32)
    return y, z


class Walk:
    """One run of the traversal on a given latent: of every step its means and scales and what was decoded."""

    def __init__(self, net: Any, y: Any, z: Any) -> None:
        self.found: dict[int, tuple[Any, Any]] = {}
        self.counts: dict[int, int] = {}
        pick = net.pick(y)

        def code(step: Any, mean: Any, scale: Any, delta: Any = None) -> Any:
            values = pick(step)
            assert mean.shape == scale.shape == values.shape
            self.found[step.index], self.counts[step.index] = (mean, scale), mean.shape[1]
            return values

        self.decoded = net.traverse_grid(z, None, code, tuple(y.shape[2:]))

    def same(self, other: Walk) -> list[bool]:
        """For every step, whether both predict the same."""
        assert self.found.keys() == other.found.keys()
        return [
            all(np.array_equal(a, b) for a, b in zip(self.found[k], other.found[k], strict=True)) for k in self.found
        ]
