"""The yardstick as a loss: rate and distortion of a variable-rate network over stratified qualities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hpcmcodec.nn.module import Module

LAMBDA = (0.0018, 0.0932)
"""Slopes of qualities 0 and 1, log-uniform between them; distortion is the mean squared error of values 0..255."""
LOG_SCALE = (math.log(0.04), math.log(256.0))
"""Log-scales that the entropy tables reach (entropy/tables.py)."""
RDO_WEIGHT = 8.67
"""Bits per squared unit of the rounding domain: lambda 255^2 / 3 step^2 with the step 5.1 / (255 sqrt(lambda))."""


def lambda_of(quality: Tensor) -> Tensor:
    """Slope of each quality in 0..1."""
    low, high = (math.log(v) for v in LAMBDA)
    return torch.exp(low + quality * (high - low))


def logistic_bits(residual: Tensor, log_scale: Tensor) -> Tensor:
    """-log2 of the mass that a zero-mean logistic has within half a unit of `residual`.

    With S the logistic function, a = (r - 1/2) / s and b = (r + 1/2) / s, S(b) - S(a) = S(b) S(-a) (1 - exp(a - b)):
    three factors whose logarithms are exact and finite everywhere, in the far tails too.
    """
    inverse = torch.exp(-log_scale)
    log_mass = F.logsigmoid((residual + 0.5) * inverse) + F.logsigmoid((0.5 - residual) * inverse)
    return (log_mass + torch.log(-torch.expm1(-inverse))) * (-1 / math.log(2))


@torch.no_grad()
def rdo_round(residual: Tensor, log_scale: Tensor, strength: float) -> Tensor:
    """The nearest integer, or the next one towards zero where that saves more than the distortion it costs.

    An encoder's choice, of which decoders know nothing. `strength` 0 rounds to the nearest.
    """
    near = residual.round()
    if not strength:
        return near
    low = near - near.sign()
    saved = logistic_bits(near, log_scale) - logistic_bits(low, log_scale)
    cost = RDO_WEIGHT * ((residual - low).square() - (residual - near).square())
    return torch.where(strength * saved > cost, low, near)


def straight_through(value: Tensor, rounded: Tensor) -> Tensor:
    """`rounded` with the gradient of `value`."""
    return rounded.detach() + (value - value.detach())  # adds an exact zero


def split_bits(latent: Tensor, mean: Tensor, log_scale: Tensor, symbols: Tensor, noise: Tensor) -> Tensor:
    """Bits of the symbols, with two gradients: means and scales learn from the symbols that are really coded, the
    latent from the relaxation by uniform noise, which has a useful slope between integers.

    `noise` is uniform in -1/2..1/2. The relaxed value itself overstates the rate and is not part of the result.
    """
    exact = logistic_bits(symbols.detach() - (mean - mean.detach()), log_scale)
    relaxed = logistic_bits(latent - mean.detach() + noise, log_scale.detach())
    return exact + relaxed - relaxed.detach()


@dataclass(frozen=True)
class Outcome:
    """Of a batch, per picture (N,): mean squared error of values in 0..1, bits per pixel, yardstick."""

    mse: Tensor
    bpp: Tensor
    yardstick: Tensor


def yardstick(quality: Tensor, mse: Tensor, bpp: Tensor) -> Tensor:
    """(255^2 lambda MSE + bpp) / sqrt(255 lambda): every quality weighs about the same. Lower is better."""
    slope = lambda_of(quality)
    return (slope * 255**2 * mse + bpp) / (255 * slope).sqrt()


def rate_distortion(
    network: Module, x: Tensor, quality: Tensor, *, rdo: float, generator: torch.Generator | None = None
) -> Outcome:
    """Run pictures x (N, 3, H, W) in 0..1 through a network of logistic scales, each at its quality (N,).

    With a `generator` of noise the bits have training's gradients, without one they are plain likelihoods of what an
    encoder would code.
    """
    cond = network.condition(quality)
    y = network.analyse(x, cond)
    # The hyper-latent is a summary for the context, not a way to shape y: no gradient goes back through it.
    z = network.hyper_analyse(y.detach(), cond)
    z_hat = straight_through(z, z.round())
    z_scale = network.z_scale(cond)[:, :, None, None].clamp(*LOG_SCALE)
    bits = logistic_bits(z_hat if generator is None else z + _noise(z, generator), z_scale).flatten(1).sum(1)
    pick, per_step = network.pick(y), []

    def code(step: Any, mean: Tensor, log_scale: Tensor) -> Tensor:
        latent, log_scale = pick(step), log_scale.clamp(*LOG_SCALE)
        symbols = rdo_round(latent - mean, log_scale, rdo)
        if generator is None:
            per_step.append(logistic_bits(symbols, log_scale).flatten(1).sum(1))
        else:
            noise = _noise(latent, generator)
            per_step.append(split_bits(latent, mean, log_scale, symbols, noise).flatten(1).sum(1))
        return straight_through(latent, symbols + mean)

    x_hat = network.synthesise(network.traverse(z_hat, cond, code), cond)
    bpp = (bits + torch.stack(per_step).sum(0)) / (x.shape[2] * x.shape[3])
    mse = (x_hat - x).square().flatten(1).mean(1)
    return Outcome(mse, bpp, yardstick(quality, mse, bpp))


def stratified(count: int, generator: torch.Generator) -> Tensor:
    """`count` qualities, one in each of as many equal parts of 0..1, all shifted by one random number."""
    shift = torch.rand(1, generator=generator, device=generator.device)
    return (shift + torch.arange(count, device=generator.device) / count).remainder(1)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(like.shape, generator=generator, device=like.device) - 0.5
