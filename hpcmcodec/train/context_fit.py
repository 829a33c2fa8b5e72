"""Part of the closed-form start: the context's predictions, fitted step by step in coding order.

The recurrent state is that of the randomly initialised network: random features. What is fitted is what reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hpcmcodec.models.lite import Lite
from hpcmcodec.models.lite.context import ContextStage, Decoded
from hpcmcodec.models.lite.model import LiteCondition
from hpcmcodec.models.schedule import Step

from .distributions import LOG_SCALE, logistic_bits

_RIDGE = 0.3  # of the mean square of the features: weaker ones over-fit
_NEIGHBOUR_RIDGE = 0.02
_SAMPLES = 2048  # elements per channel for the calibration of scales
_CALIBRATION_STEPS = 40


def fit_context(network: Lite, y: Tensor, cond: LiteCondition, generator: torch.Generator) -> None:
    """Fill neighbour weights and heads of a network whose other parts are in place. y: (N, M, h, w) in the domain that
    is rounded. Call without gradients."""
    pick = network.pick(y)
    stages: tuple[Any, Any] = network.ctx_a, network.ctx_b
    coarse = len(stages[0].outputs)
    schedule = network.schedule[:coarse], network.schedule[coarse:]
    fitting: list[Any] = [
        _FittingStage(stage, [pick(step) for step in steps], generator)
        for stage, steps in zip(stages, schedule, strict=True)
    ]

    def code(step: Step, mean: Tensor, log_scale: Tensor) -> Tensor:
        return (pick(step) - mean).round() + mean

    z = network.hyper_analyse(y, cond).round()
    try:
        network.ctx_a, network.ctx_b = fitting
        network.traverse(z, cond, code)
    finally:
        network.ctx_a, network.ctx_b = stages


class _FittingStage:
    """A context stage that fits each step's predictors at the moment they are first asked."""

    def __init__(self, stage: ContextStage, targets: Sequence[Tensor], generator: torch.Generator) -> None:
        self.stage, self.targets, self.generator = stage, targets, generator
        self.advance = stage.advance

    def predict(
        self, t: int, state: Tensor, neighbours: Sequence[Decoded], s0: Tensor, log_scale0: Tensor
    ) -> tuple[Tensor, Tensor]:
        target, n = self.targets[t], self.stage.outputs[t]
        if neighbours:
            weights = neighbour_weights([slot.value for slot in neighbours], target, s0)
            self.stage.direct[t].weight[: len(neighbours) * n] = weights
        mean, _ = self.stage.predict(t, state, neighbours, s0, log_scale0)
        weight, bias = _scale_head(state, target - mean, s0, log_scale0, self.generator)
        self.stage.heads[t].weight[n:] = weight[:, :, None, None]
        self.stage.heads[t].bias[n:] = bias
        predicted: tuple[Tensor, Tensor] = self.stage.predict(t, state, neighbours, s0, log_scale0)
        return predicted


def neighbour_weights(slots: Sequence[Tensor], target: Tensor, s0: Tensor) -> Tensor:
    """Per channel the 3x3 weights over k slots of known neighbours that predict the target best, (k n, 1, 3, 3):
    weighted least squares, in which pictures of a large scale count less."""
    n, k = target.shape[1], len(slots)
    known = torch.stack(list(slots), 1)  # N k n h w
    u = F.unfold(known.flatten(0, 2)[:, None], 3, padding=1).unflatten(0, known.shape[:3])
    u = u.permute(2, 0, 4, 1, 3).flatten(3).flatten(1, 2)  # n, N L, k 9
    importance = (1 / (1 + s0))[:, :, None].expand(-1, -1, target[0, 0].numel())
    importance = importance.transpose(0, 1).flatten(1)[..., None]
    u = u * importance
    wanted = target.flatten(2).transpose(0, 1).flatten(1)[..., None] * importance
    gram = u.transpose(1, 2) @ u
    ridge = _NEIGHBOUR_RIDGE * gram.diagonal(dim1=1, dim2=2).mean(1) + 1e-3
    gram = gram + torch.eye(9 * k, device=target.device) * ridge[:, None, None]
    solution = torch.linalg.solve(gram, u.transpose(1, 2) @ wanted)[..., 0]
    return solution.reshape(n, k, 9).transpose(0, 1).reshape(k * n, 1, 3, 3)


def _scale_head(
    state: Tensor, residual: Tensor, s0: Tensor, log_scale0: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Weight (n, width) and bias (n,) that predict log-scales from the state: ridge regression to log-magnitudes, then
    per channel an offset and a slope by likelihood."""
    features = _rows(state)
    features = torch.cat((features, torch.ones_like(features[:, :1])), 1).double()
    magnitude = _rows(torch.log1p(residual.abs() / s0[:, :, None, None])).double()
    gram = features.t() @ features
    ridge = torch.full_like(gram[0], _RIDGE) * gram.diagonal().mean() + 1e-6
    ridge[-1] = 1e-6  # the constant is free
    solution = torch.linalg.solve(gram + ridge.diag(), features.t() @ magnitude)
    predicted = (features @ solution).float()
    centre = predicted.mean(0)
    base = _rows(log_scale0[:, :, None, None].expand_as(residual))
    chosen = torch.randperm(len(predicted), generator=generator)[:_SAMPLES].to(state.device)
    offset, slope = _calibrate(_rows(residual)[chosen].round(), base[chosen], (predicted - centre)[chosen])
    solution = solution.float()
    return (solution[:-1] * slope).t(), offset + slope * (solution[-1] - centre)


def _calibrate(symbols: Tensor, base: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor]:
    """Offset and slope (n,) with which base + offset + slope * predicted are the likeliest log-scales."""
    start = torch.stack((torch.zeros_like(base[0]), torch.ones_like(base[0])))
    with torch.enable_grad():
        line = start.requires_grad_()
        optimizer = torch.optim.Adam([line], 0.08)
        for _ in range(_CALIBRATION_STEPS):
            optimizer.zero_grad()
            log_scale = (base + line[0] + line[1] * predicted).clamp(*LOG_SCALE)
            logistic_bits(symbols, log_scale).mean(0).sum().backward()
            optimizer.step()
    offset, slope = line.detach()
    return offset, slope


def _rows(x: Tensor) -> Tensor:
    """(N, C, h, w) -> (N h w, C)."""
    return x.permute(0, 2, 3, 1).flatten(0, 2)
