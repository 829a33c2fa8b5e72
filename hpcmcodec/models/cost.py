"""What a network costs: its parameters, and multiply-accumulates per pixel of the picture. Needs torch.

The network runs on tensors without data ("meta"), so that any size is counted at once and without memory. Counted are
convolutions and matrix products, attention included; elementwise operations are left out, as in the literature.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SIDE = 256
"""Pixels: a multiple of every preset's padding."""


@dataclass(frozen=True)
class Cost:
    """Parameters, and thousands of multiply-accumulates per pixel of each part. `context` includes hyper-synthesis."""

    parameters: int
    analysis: float
    hyper_analysis: float
    context: float
    synthesis: float

    @property
    def total(self) -> float:
        """All parts once: what papers give as the cost of a forward pass."""
        return self.analysis + self.hyper_analysis + self.context + self.synthesis

    @property
    def decoding(self) -> float:
        """What a decoder computes."""
        return self.context + self.synthesis


def parameters(network: Any) -> int:
    """Number of parameters, constants included."""
    return sum(math.prod(spec.shape) for spec in network.specs().values())


def cost(network: Any) -> Cost:
    """The cost of a network on pictures of 256 x 256 pixels. Its parameters are replaced by tensors without data."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    network.load({name: torch.empty(spec.shape, device="meta") for name, spec in network.specs().items()})

    def run(part: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            result = part(*arguments)
        return result, counter.get_total_flops() / 2 / _SIDE**2 / 1000

    condition = network.condition(torch.empty(1, device="meta"))
    y, analysis = run(network.analyse, torch.empty(1, 3, _SIDE, _SIDE, device="meta"), condition)
    z, hyper_analysis = run(network.hyper_analyse, y, condition)
    y_hat, context = run(network.traverse, z, condition, lambda step, mean, scale, delta=None: mean)
    _, synthesis = run(network.synthesise, y_hat, condition)
    return Cost(parameters(network), analysis, hyper_analysis, context, synthesis)
