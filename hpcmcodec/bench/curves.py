"""Rate-distortion curves over a set of pictures, and how far they are apart.

A curve has one point per setting: bits per pixel and quality, each averaged over the pictures. BD-rate and BD-PSNR
(Bjontegaard 2001) come from the library of the same name: piecewise cubic interpolation (pchip) of quality over log
rate over the range that both curves have. Confidence is a bootstrap over pictures: whole pictures are drawn again and
again, curves averaged over them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from hpcmcodec.bench.metrics import decibels

Metric = Literal["psnr", "ms_ssim", "ssimulacra2"]
METRICS: tuple[Metric, ...] = ("psnr", "ms_ssim", "ssimulacra2")
Array: TypeAlias = np.ndarray
_LEAST_POINTS = 4
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Curves:
    """A codec's values at each setting on each picture, all of shape (settings, pictures).

    ms_ssim: 0..1, None where pictures are too small for it. ssimulacra2: None where it was not measured.
    """

    settings: tuple[float, ...]
    bpp: Array
    psnr: Array
    ms_ssim: Array | None
    ssimulacra2: Array | None = None

    def average(self, metric: Metric, pictures: Array | None = None) -> tuple[Array, Array] | None:
        """Mean rate and quality, in dB or points of SSIMULACRA2, per setting, over all pictures or those of these
        indexes (repetitions count)."""
        values: Array | None = getattr(self, metric)
        if values is None:
            return None
        if pictures is not None:
            rate, quality = self.bpp[:, pictures].mean(1), values[:, pictures].mean(1)
        else:
            rate, quality = self.bpp.mean(1), values.mean(1)
        return rate, quality if metric != "ms_ssim" else np.array([decibels(float(value)) for value in quality])


@dataclass(frozen=True)
class Distance:
    """How far a curve is from another. rate: percent of rate at equal quality; quality: dB at equal rate; interval: of
    the rate, None for a single picture; share: of the range of quality of both that they have in common."""

    rate: float
    quality: float
    share: float
    interval: tuple[float, float] | None = None


def distance(anchor: tuple[Array, Array], test: tuple[Array, Array]) -> Distance | None:
    """Of `test` from `anchor`, both (rate, quality in dB); None with too few points or nothing in common."""
    a, b = _rising(*anchor), _rising(*test)
    if min(len(a[0]), len(b[0])) < _LEAST_POINTS:
        return None
    common = min(a[1][-1], b[1][-1]) - max(a[1][0], b[1][0])
    both = max(a[1][-1], b[1][-1]) - min(a[1][0], b[1][0])
    if common <= 0:
        return None
    rate = _delta("bd_rate", a, b)
    quality = _delta("bd_psnr", a, b) if min(a[0][-1], b[0][-1]) > max(a[0][0], b[0][0]) else float("nan")
    return Distance(rate, quality, float(common / both))


def interval(
    anchor: Curves, test: Curves, metric: Metric, draws: int = 500, seed: int = 1
) -> tuple[float, float] | None:
    """Bootstrap interval of the BD-rate over pictures, at CONFIDENCE; None for fewer than two pictures."""
    pictures = anchor.bpp.shape[1]
    if pictures < 2:
        return None
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(draws):
        chosen = np.asarray(rng.integers(0, pictures, pictures))
        a, b = anchor.average(metric, chosen), test.average(metric, chosen)
        found = distance(a, b) if a and b else None
        if found:
            rates.append(found.rate)
    if len(rates) < draws // 2:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(rates, [tail, 1 - tail])
    return float(low), float(high)


def _rising(rate: Sequence[float] | Array, quality: Sequence[float] | Array) -> tuple[Array, Array]:
    """The points in order of rate without those whose quality does not rise, which no function of rate has."""
    order = np.argsort(rate, kind="stable")
    kept: list[tuple[float, float]] = []
    for r, q in zip(np.asarray(rate, float)[order], np.asarray(quality, float)[order], strict=True):
        if not kept or (r > kept[-1][0] and q > kept[-1][1]):
            kept.append((r, q))
    return np.array([r for r, _ in kept]), np.array([q for _, q in kept])


def _delta(name: str, a: tuple[Array, Array], b: tuple[Array, Array]) -> float:
    import bjontegaard

    function: Callable[..., Any] = getattr(bjontegaard, name)
    return float(function(*a, *b, method="pchip", require_matching_points=False, min_overlap=0))
