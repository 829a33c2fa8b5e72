"""The distributions of symbols, as functions that autograd differentiates: bits of a residual under a predicted scale.

They are those of the entropy tables (entropy/tables.py), continuous in the scale.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

LOG_SCALE = (math.log(0.04), math.log(256.0))
"""Log-scales that the logistic tables reach."""
SCALE_FLOOR = 0.12
"""Scales of the generalised Gaussian below this, negative ones included, count as this."""
_BETA = 1.5
_DENSITY = _BETA / (2 * math.gamma(1 / _BETA))  # of scale 1, at 0
_LEAST_MASS = 1e-9
_TO_BITS = -1 / math.log(2)


class Distribution(Protocol):
    """A zero-mean symmetric family. `scale` is what a network predicts, in the family's own domain."""

    def bound(self, scale: Tensor) -> Tensor:
        """The scale within the range of the tables."""

    def bits(self, residual: Tensor, scale: Tensor) -> Tensor:
        """-log2 of the mass within half a unit of `residual`; `scale` was bounded."""


def logistic_bits(residual: Tensor, log_scale: Tensor) -> Tensor:
    """-log2 of the mass that a zero-mean logistic has within half a unit of `residual`.

    With S the logistic function, a = (r - 1/2) / s and b = (r + 1/2) / s, S(b) - S(a) = S(b) S(-a) (1 - exp(a - b)):
    three factors whose logarithms are exact and finite everywhere, in the far tails too.
    """
    inverse = torch.exp(-log_scale)
    log_mass = F.logsigmoid((residual + 0.5) * inverse) + F.logsigmoid((0.5 - residual) * inverse)
    return (log_mass + torch.log(-torch.expm1(-inverse))) * _TO_BITS


class Logistic:
    """Scales are logarithms. Gradients end at the range's borders."""

    def bound(self, scale: Tensor) -> Tensor:
        return scale.clamp(*LOG_SCALE)

    def bits(self, residual: Tensor, scale: Tensor) -> Tensor:
        return logistic_bits(residual, scale)


class GeneralisedGaussian:
    """Shape 1.5, scales as they are: HPCM's (arXiv 2507.19125), with its floors. Masses stop at 1e-9."""

    def bound(self, scale: Tensor) -> Tensor:
        return lower_bound(scale, SCALE_FLOOR)

    def bits(self, residual: Tensor, scale: Tensor) -> Tensor:
        magnitude = residual.abs()  # by symmetry: the difference of two small numbers, not of two near one
        mass = _Survival.apply((magnitude - 0.5) / scale) - _Survival.apply((magnitude + 0.5) / scale)
        return lower_bound(mass, _LEAST_MASS).log() * _TO_BITS


class _Survival(torch.autograd.Function):
    """P(X > v) of the generalised Gaussian with scale 1. torch's own derivative of gammaincc is not finite at 0."""

    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        power = v.abs() ** _BETA
        ctx.save_for_backward(power)
        upper = 0.5 * torch.special.gammaincc(torch.full_like(power, 1 / _BETA), power)
        return torch.where(v < 0, 1 - upper, upper)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (power,) = ctx.saved_tensors
        return gradients[0] * (-_DENSITY * torch.exp(-power))


class _LowerBound(torch.autograd.Function):
    """max(x, bound); below the bound only gradients that raise x pass (CompressAI's rule)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp_min(bound)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,), gradient = ctx.saved_tensors, gradients[0]
        return gradient * ((x >= ctx.bound) | (gradient < 0)), None


def lower_bound(x: Tensor, bound: float) -> Tensor:
    """max(x, bound) that values below the bound can learn to leave."""
    bounded: Tensor = _LowerBound.apply(x, bound)
    return bounded


DISTRIBUTIONS: dict[str, Distribution] = {"logistic": Logistic(), "generalised_gaussian": GeneralisedGaussian()}
"""By the name that a network gives, the key of entropy.tables.DISTRIBUTIONS."""
