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
from .loss import Noise, Outcome, rate_distortion
from .parallel import Processes
from .rounding import Rounding
from .spectral import truncate

if TYPE_CHECKING:
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


class Evaluation:
    """An objective ready to be called: divided among processes, compiled, in the memory format that was asked for."""

    def __init__(self, model: TorchModel, config: RunConfig, group: Processes, curvature: Curvature) -> None:
        self._format = memory_format(config)
        objective = Objective(model, config, Noise(group.rank, group.world), curvature)
        self.bends = objective.quantiser is not None
        """Whether gradients need the curvature."""
        module = group.wrap(objective)
        self._call = torch.compile(module) if config.compile else module

    def __call__(self, x: Tensor, quality: Tensor, mask: Tensor | None = None) -> Outcome:
        return Outcome(*self._call(x.contiguous(memory_format=self._format), quality, mask))
