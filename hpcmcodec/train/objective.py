"""What a step computes, as one torch module: DistributedDataParallel and torch.compile take it as a whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hpcmcodec.nn.torch_model import TorchModel

from .config import RunConfig
from .curvature import Curvature
from .environment import memory_format, uses_bfloat16
from .loss import Noise, Outcome, latent_rate, rate_distortion
from .parallel import Processes
from .rounding import Rounding
from .slopes import METRICS, lambda_of, range_of, yardstick
from .spectral import truncate

if TYPE_CHECKING:
    from .distil import Distillation
    from .expected import Quantiser


def quantiser_of(config: RunConfig, network: Any, curvature: Curvature | None = None) -> Quantiser | None:
    """The trellis of the model that a run names; or rounding with rate in mind, where a network's scales are those of
    logistics; None where rounding is all there is."""
    if config.trellis is None:
        rdo = config.rdo_for(network.rate)
        return Rounding(rdo, curvature) if rdo and network.distribution == "logistic" else None
    from hpcmcodec.models import store  # the installed package is needed from here on

    from .trellis import Trellis

    return Trellis.of(store.find(config.trellis), curvature)


class Objective(torch.nn.Module):
    """Pictures (N, 3, H, W) in 0..1 and qualities (N,) -> the fields of an Outcome, with training's gradients."""

    uses_all = True

    def __init__(self, model: TorchModel, config: RunConfig, noise: Noise, curvature: Curvature) -> None:
        super().__init__()
        self.model = model
        self._rdo, self._metric, self._noise = config.rdo_for(model.model.rate), config.metric, noise
        self._bf16 = uses_bfloat16(config)
        self.quantiser = quantiser_of(config, model.model, curvature)

    def forward(self, x: Tensor, quality: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """`mask`: of the latent's spectrum (spectral.py)."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._bf16):
            found = rate_distortion(
                self.model.model,
                x,
                quality,
                rdo=self._rdo,
                metric=self._metric,
                noise=self._noise,
                shape_latent=None if mask is None else partial(truncate, mask=mask),
                quantiser=self.quantiser,
            )
        return found.mse, found.bpp, found.distortion, found.rate, found.latent, found.analysed


class ContextObjective(torch.nn.Module):
    """Latents (N, M, h, w), hyper-latents and qualities (N,) -> the fields of an Outcome.

    Of the picture there is only the distortion: quadratic about the latents, with the curvature as it was measured.
    """

    uses_all = False  # of the parameters: transforms have no part in it

    def __init__(self, model: TorchModel, config: RunConfig, noise: Noise, curvature: Curvature) -> None:
        super().__init__()
        self.model, self._curvature = model, curvature
        self._rdo, self._metric, self._noise = config.rdo_for(model.model.rate), config.metric, noise
        self._bf16 = uses_bfloat16(config)
        self.quantiser = quantiser_of(config, model.model, curvature)

    def forward(self, y: Tensor, z: Tensor, quality: Tensor) -> tuple[Tensor, ...]:
        network = self.model.model
        with torch.autocast(y.device.type, torch.bfloat16, enabled=self._bf16):
            y_hat, bits = latent_rate(
                network, y, z, quality, rdo=self._rdo, noise=self._noise, quantiser=self.quantiser
            )
            pixels = y.shape[2] * y.shape[3] * network.stride**2
            lost = self._curvature(quality) / 2 * (y_hat - y).square().flatten(1).sum(1)
            slope, weight = lambda_of(quality, range_of(network)), METRICS[self._metric].weight
            distortion, bpp = lost / pixels / (slope * weight), bits / pixels
            zero = torch.zeros_like(bpp)
            parts = yardstick(slope, distortion, zero, weight), yardstick(slope, zero, bpp)
        return distortion, bpp, *parts, y_hat, y


class Evaluation:
    """An objective ready to be called: divided among processes, compiled, in the memory format that was asked for."""

    def __init__(
        self, objective: Objective | ContextObjective | Distillation, config: RunConfig, group: Processes
    ) -> None:
        self._format = memory_format(config)
        self.quantiser = objective.quantiser
        module = group.wrap(objective, uses_all=objective.uses_all)
        self._call = torch.compile(module) if config.compile else module

    @property
    def bends(self) -> bool:
        """Whether gradients need the curvature."""
        return self.quantiser is not None

    def __call__(self, maps: Tensor, *others: Tensor | None) -> Outcome:
        return Outcome(*self._call(maps.contiguous(memory_format=self._format), *others))
