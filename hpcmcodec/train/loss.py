"""Rate and distortion of a batch: what an encoder would code, with gradients where training wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hpcmcodec.entropy.tables import DISTORTION_WEIGHT
from hpcmcodec.nn.module import Module

from .distributions import DISTRIBUTIONS, Distribution
from .expected import Quantiser
from .slopes import METRICS, lambda_of, mean_squared_error, range_of, yardstick


@torch.no_grad()
def rdo_round(residual: Tensor, scale: Tensor, strength: float, family: Distribution) -> Tensor:
    """The nearest integer, or the next one towards zero where that saves more than the distortion it costs.

    An encoder's choice, of which decoders know nothing. `strength` 0 rounds to the nearest.
    """
    near = residual.round()
    if not strength:
        return near
    low = near - near.sign()
    saved = family.bits(near, scale) - family.bits(low, scale)
    cost = DISTORTION_WEIGHT * ((residual - low).square() - (residual - near).square())
    return torch.where(strength * saved > cost, low, near)


def straight_through(value: Tensor, rounded: Tensor) -> Tensor:
    """`rounded` with the gradient of `value`."""
    return rounded.detach() + (value - value.detach())  # adds an exact zero


def split_bits(
    latent: Tensor, mean: Tensor, scale: Tensor, symbols: Tensor, noise: Tensor, family: Distribution
) -> Tensor:
    """Bits of the symbols, with two gradients: means and scales learn from the symbols that are really coded, the
    latent from the relaxation by uniform noise, which has a useful slope between integers.

    `noise` is uniform in -1/2..1/2. The relaxed value itself overstates the rate and is not part of the result.
    """
    exact = family.bits(symbols.detach() - (mean - mean.detach()), scale)
    relaxed = family.bits(latent - mean.detach() + noise, scale.detach())
    return exact + relaxed - relaxed.detach()


def split_bits_of_steps(
    latent: Tensor, mean: Tensor, delta: Tensor, scale: Tensor, symbols: Tensor, noise: Tensor, family: Distribution
) -> Tensor:
    """`split_bits` of symbols in units of learned steps `delta`, which learn from the symbols as means do; `scale` is
    in these units."""
    in_steps = (latent.detach() - mean) / delta
    exact = family.bits(symbols.detach() + (in_steps - in_steps.detach()), scale)
    relaxed = family.bits((latent - mean.detach()) / delta.detach() + noise, scale.detach())
    return exact + relaxed - relaxed.detach()


@dataclass(frozen=True)
class Noise:
    """Uniform noise in -1/2..1/2 from torch's default generator. Of several processes each draws that of the whole
    batch and keeps its own pictures' share, so that together they see what one process would see."""

    rank: int = 0
    world: int = 1

    def __call__(self, like: Tensor) -> Tensor:
        n = len(like)
        whole = torch.rand((n * self.world, *like.shape[1:]), device=like.device)
        return whole[self.rank * n : (self.rank + 1) * n] - 0.5


@dataclass(frozen=True)
class Outcome:
    """Of a batch, per picture (N,): mean squared error of values in 0..1, bits per pixel, and the yardstick's two
    parts, distortion and rate, each divided by sqrt(255 lambda). `latent` is y_hat, `analysed` y."""

    mse: Tensor
    bpp: Tensor
    distortion: Tensor
    rate: Tensor
    latent: Tensor
    analysed: Tensor

    @property
    def yardstick(self) -> Tensor:
        """(lambda distortion + bpp) / sqrt(255 lambda)."""
        return self.distortion + self.rate


@dataclass(frozen=True)
class Coded:
    """A batch through a network: pictures x_hat (N, 3, H, W), latents y and y_hat, and the bits of every element: of
    z as it lies, of y step by step in coding order, as (step, bits)."""

    x_hat: Tensor
    y: Tensor
    y_hat: Tensor
    z_bits: Tensor
    y_bits: list[tuple[Any, Tensor]]


def code_batch(
    network: Module,
    x: Tensor,
    quality: Tensor,
    *,
    rdo: float,
    noise: Callable[[Tensor], Tensor] | None = None,
    shape_latent: Callable[[Tensor], Tensor] | None = None,
    quantiser: Quantiser | None = None,
) -> Coded:
    """Run pictures x (N, 3, H, W) in 0..1, H and W multiples of the network's, each at its quality (N,) in 0..1.

    With `noise` the bits have training's gradients, without it they are plain likelihoods of what an encoder would
    code. `shape_latent` changes y before it is quantised: by `quantiser`, where steps are not learned, or
    else by rounding with strength `rdo` and straight-through gradients.
    """
    family = DISTRIBUTIONS[network.distribution]
    cond = network.condition(quality)
    y = network.analyse(x, cond).float()
    if shape_latent is not None:
        y = shape_latent(y)
    z = network.hyper_analyse(y, cond).float()
    z_hat = straight_through(z, z.round())
    z_scale = family.bound(network.z_scale(cond)[:, :, None, None])
    z_bits = family.bits(z_hat if noise is None else z + noise(z), z_scale)
    y_hat, y_bits = code_latents(network, y, z_hat, cond, quality, rdo=rdo, noise=noise, quantiser=quantiser)
    return Coded(network.synthesise(y_hat, cond).float(), y, y_hat, z_bits, y_bits)


def code_latents(
    network: Module,
    y: Tensor,
    z_hat: Tensor,
    cond: Any,
    quality: Tensor,
    *,
    rdo: float,
    noise: Callable[[Tensor], Tensor] | None = None,
    quantiser: Quantiser | None = None,
) -> tuple[Tensor, list[tuple[Any, Tensor]]]:
    """y_hat and the bits of its elements, see `Coded`, of latents y (N, M, h, w) with the decoded hyper-latents z_hat.
    Other arguments as for `code_batch`."""
    family, pick = DISTRIBUTIONS[network.distribution], network.pick(y)
    y_bits: list[tuple[Any, Tensor]] = []

    def code(step: Any, mean: Tensor, scale: Tensor, delta: Tensor | None = None) -> Tensor:
        latent, mean, scale = pick(step), mean.float(), family.bound(scale.float())
        if quantiser is not None and delta is None:
            value, found = quantiser(latent, mean, scale, quality)
            y_bits.append((step, found))
            return value
        residual = latent - mean if delta is None else (latent - mean) / delta
        symbols = rdo_round(residual, scale, rdo, family)
        if noise is None:
            found = family.bits(symbols, scale)
        elif delta is None:
            found = split_bits(latent, mean, scale, symbols, noise(latent), family)
        else:
            found = split_bits_of_steps(latent, mean, delta, scale, symbols, noise(latent), family)
        y_bits.append((step, found))
        if delta is None:
            return straight_through(latent, symbols + mean)
        return straight_through(residual, symbols) * delta + mean

    return network.traverse_grid(z_hat, cond, code, tuple(y.shape[2:])), y_bits


def rate_distortion(
    network: Module,
    x: Tensor,
    quality: Tensor,
    *,
    rdo: float,
    metric: str = "mse",
    noise: Noise | None = None,
    shape_latent: Callable[[Tensor], Tensor] | None = None,
    quantiser: Quantiser | None = None,
) -> Outcome:
    """What `code_batch` costs, by picture; arguments as there."""
    coded = code_batch(network, x, quality, rdo=rdo, noise=noise, shape_latent=shape_latent, quantiser=quantiser)
    bits = coded.z_bits.flatten(1).sum(1)
    per_step = [found.flatten(1).sum(1) for _, found in coded.y_bits]
    bpp = (bits + torch.stack(per_step).sum(0)) / (x.shape[2] * x.shape[3])
    distortion, weight = METRICS[metric].distortion(coded.x_hat, x), METRICS[metric].weight
    mse = distortion if metric == "mse" else mean_squared_error(coded.x_hat, x)
    zero = torch.zeros_like(bpp)
    slope = lambda_of(quality, range_of(network))
    parts = yardstick(slope, distortion, zero, weight), yardstick(slope, zero, bpp)
    return Outcome(mse, bpp, *parts, coded.y_hat, coded.y)


def latent_rate(network: Module, y: Tensor, z: Tensor, quality: Tensor, **how: Any) -> tuple[Tensor, Tensor]:
    """y_hat and the bits (N,) of latents and hyper-latents z as they lie; other arguments as for `code_latents`."""
    family, cond = DISTRIBUTIONS[network.distribution], network.condition(quality)
    z_hat = z.round()
    z_bits = family.bits(z_hat, family.bound(network.z_scale(cond)[:, :, None, None]))
    y_hat, y_bits = code_latents(network, y, z_hat, cond, quality, **how)
    per_step = [found.flatten(1).sum(1) for _, found in y_bits]
    return y_hat, z_bits.flatten(1).sum(1) + torch.stack(per_step).sum(0)
