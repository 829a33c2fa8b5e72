"""The scale of qualities: what a bit is worth at each of them, and the yardstick that weighs them alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hpcmcodec.models.lite.model import SLOPES
from hpcmcodec.nn.module import Module

from .ms_ssim import ms_ssim

Range = tuple[float, float]
"""Slopes lambda of qualities 0 and 1, log-uniform between them; distortion is that of values 0..255."""
LAMBDA: Range = SLOPES
"""Over which the yardstick is taken, and the range of networks that say nothing else."""


@dataclass(frozen=True)
class Metric:
    """A distortion (N,) of pictures (N, 3, H, W) in 0..1, and its weight at slope 1."""

    distortion: Callable[[Tensor, Tensor], Tensor]
    weight: float


def mean_squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """(N,), of values in 0..1."""
    return (x_hat - x).square().flatten(1).mean(1)


METRICS = {
    "mse": Metric(mean_squared_error, 255.0**2),
    # HPCM's six slopes for MS-SSIM, 2.4 .. 60.5, are 1253 to 1333 times those for MSE, 0.0018 .. 0.0483.
    "ms-ssim": Metric(lambda x_hat, x: 1 - ms_ssim(x_hat, x), 1290.0),
}


def slope_of(value: float, metric: str) -> float:
    """The slope on the scale of MSE for `--lambda value` with this metric."""
    return value if metric == "mse" else value / METRICS[metric].weight


def range_of(network: Module) -> Range:
    """Slopes of a network's qualities 0 and 1; one of fixed rate has its place on the scale of LAMBDA."""
    slopes: Range = network.config.slopes if network.rate == "variable" else LAMBDA
    return slopes


def quality_of(slope: float, slopes: Range = LAMBDA) -> float:
    """The quality of a slope; outside of 0..1 for slopes outside of the range."""
    low, high = (math.log(v) for v in slopes)
    return (math.log(slope) - low) / (high - low)


def slope_at(quality: float, slopes: Range = LAMBDA) -> float:
    """Slope of a quality."""
    low, high = (math.log(v) for v in slopes)
    return math.exp(low + quality * (high - low))


def lambda_of(quality: Tensor, slopes: Range = LAMBDA) -> Tensor:
    """Slope of each quality."""
    low, high = (math.log(v) for v in slopes)
    return torch.exp(low + quality * (high - low))


def yardstick(slope: Tensor, distortion: Tensor, bpp: Tensor, weight: float = METRICS["mse"].weight) -> Tensor:
    """(lambda weight distortion + bpp) / sqrt(255 lambda): every slope weighs about the same. Lower is better."""
    return (slope * weight * distortion + bpp) / (255 * slope).sqrt()


def stratified(count: int) -> Tensor:
    """`count` qualities, one in each of as many equal parts of 0..1, all shifted by one random number."""
    return (torch.rand(1) + torch.arange(count) / count).remainder(1)
