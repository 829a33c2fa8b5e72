"""Latents as they are coded, with the gradients of what that costs on average.

What files cost is a function of latents y, means and log-scales through symbols that jump. Its gradient is that of its
expectation; what is random is the state of a trellis, or on which side of a threshold a latent happens to lie:

- **y** moves nothing until a symbol flips. Where the residual r = y - mean is coded as the value q, the distortion D is
  known to second order about q: slope G, curvature H. With a(r) = E[q] and b(r) = E[q^2] (response.py) the slope of its
  expectation is a' (G - H q) + b' H / 2. That of the rate R follows from what the encoder minimises,
  W (r - q)^2 + strength R, W = DISTORTION_WEIGHT: by the envelope theorem the expected minimum has slope
  2 W (r - a), and so R' = (2 r a' - b') W / strength.
- a **mean** moves y_hat with slope 1 where symbols stay, and flips them as -y does.
- a **log-scale** changes the bits of the symbols as they are, and flips them: the same formulas with a and b by the
  log-scale. Of what flips cost there later predictions gain a part back (`GAINED`), which nothing here knows of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from hpcmcodec.entropy.tables import DISTORTION_WEIGHT

from .curvature import Curvature
from .response import Response

GAINED = 0.5
"""Measured, as everything: docs/TRAINING.md."""


class Quantiser(ABC):
    """How an encoder quantises latents of logistic distributions, with a strength above 0 of the rate in its choice."""

    def __init__(self, strength: float, edges: Tensor, curvature: Curvature | None) -> None:
        """edges: log-scales between the rows of `response`. curvature: of what is trained, `lite`'s by default."""
        self.strength, self._edges, self.curvature = strength, edges, curvature or Curvature()

    def __call__(self, latent: Tensor, mean: Tensor, log_scale: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Decoded latents and the bits of each; all (N, C, H, W) float32. quality (N,): of each picture."""
        values, bits, slope, rows = self.choose((latent - mean).detach(), log_scale.detach())
        if not torch.is_grad_enabled():
            return values + mean, bits
        curvature = self.curvature(quality)
        found: tuple[Tensor, Tensor] = _Coded.apply(latent, mean, log_scale, values, bits, slope, rows, self, curvature)
        return found

    @abstractmethod
    def choose(self, residual: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of each residual: the value that it is coded as, its bits, their slope by the log-scale, and `row`."""

    @abstractmethod
    def measured(self) -> Response:
        """The response, which takes seconds."""

    @cached_property
    def response(self) -> Response:
        """Measured when it is first needed."""
        return self.measured()

    def row(self, log_scale: Tensor) -> Tensor:
        """The response's row of each log-scale, int64."""
        return torch.searchsorted(self._edges.to(log_scale.device), log_scale.contiguous())


class _Coded(torch.autograd.Function):
    """Decoded latents and bits, with the gradients that the module's text derives."""

    @staticmethod
    def forward(
        ctx: Any,
        latent: Tensor,
        mean: Tensor,
        log_scale: Tensor,
        values: Tensor,
        bits: Tensor,
        slope: Tensor,
        rows: Tensor,
        quantiser: Quantiser,
        curvature: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(latent - mean, values, slope, rows, curvature)
        ctx.quantiser = quantiser
        return values + mean, bits

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        by_value, price = gradients
        residual, values, slope, rows, curvature = ctx.saved_tensors
        magnitude, sign = residual.abs(), residual.sign()
        h, towards = curvature[:, None, None, None] * price, sign * by_value
        at_zero, w = towards - h * values.abs(), price * (DISTORTION_WEIGHT / ctx.quantiser.strength)

        def flips(a: Tensor, b: Tensor) -> Tensor:
            """What they cost on average, for slopes a and b of the value and its square."""
            return a * (at_zero + 2 * w * magnitude) + b * (h / 2 - w)

        by_residual, by_log_scale = ctx.quantiser.response(magnitude, rows)
        by_latent = sign * flips(*by_residual)
        by_scale = price * slope + (1 - GAINED) * flips(*by_log_scale)
        return by_latent, by_value - by_latent, by_scale, *[None] * 6
