"""How the distortion bends by decoded latents, which the trellis' gradients need: measured while a run goes on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpcmcodec.nn.module import Module

from .slopes import METRICS, lambda_of, range_of

BINS = 8
"""Of qualities: the curvature differs little from one to the next, and a new range of qualities changes it."""
EVERY = 50
"""Steps between measurements."""
_STEP, _MEMORY = 0.5, 0.9
_FIRST = 13.0  # bits per squared rounding step: of lite


class Curvature:
    """Moving average, by quality, of the second derivative of the distortion in bits by a decoded latent: the mean over
    latents, weighted by the square of what quantising took from them."""

    def __init__(self) -> None:
        self.found = torch.full((BINS,), _FIRST)

    def __call__(self, quality: Tensor) -> Tensor:
        """(N,) in 0..1 -> (N,)."""
        return self.found.to(quality.device)[self._bin(quality)]

    def update(self, network: Module, x: Tensor, quality: Tensor, y: Tensor, y_hat: Tensor, metric: str) -> None:
        """Measure on a batch of pictures x, their latents y and decoded latents, all with N first."""
        cond = network.condition(quality)
        error = (y - y_hat).detach()
        way = error * (2 * torch.randint(0, 2, error.shape, device=error.device) - 1)
        bits = lambda_of(quality, range_of(network)) * METRICS[metric].weight * x.shape[2] * x.shape[3]
        gradients = []
        for sign in (1, -1):
            point = (y_hat.detach() + sign * _STEP * way).requires_grad_()
            with torch.enable_grad():
                cost = (METRICS[metric].distortion(network.synthesise(point, cond).float(), x) * bits).sum()
            gradients.append(torch.autograd.grad(cost, point)[0])
        slope = ((gradients[0] - gradients[1]) * way / (2 * _STEP)).flatten(1).sum(1)
        own = slope / error.square().flatten(1).sum(1).clamp_min(1e-6)
        for place, value in zip(self._bin(quality).tolist(), own.tolist(), strict=True):
            if value > 0:  # a picture of one colour has none, and NaN is no number
                self.found[place] += (1 - _MEMORY) * (value - self.found[place])

    def state_dict(self) -> dict[str, Any]:
        return {"found": self.found.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.found.copy_(state["found"])

    def _bin(self, quality: Tensor) -> Tensor:
        return (quality * BINS).long().clamp(0, BINS - 1)
