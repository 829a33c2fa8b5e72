"""Optimisers beside Adam: they work on the same groups and keep their state where torch's do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_LARGEST_BOOST = 10.0


class AdamDirections(torch.optim.Optimizer):
    """Adam; subclasses decide how else groups move."""

    def __init__(self, groups: Any, betas: tuple[float, float], eps: float) -> None:
        super().__init__(groups, {"lr": 1e-3, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self._move(group, parameters)

    def _move(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        torch._foreach_add_(parameters, self._adam(group, parameters), alpha=-group["lr"])

    def _adam(self, group: dict[str, Any], parameters: list[Tensor]) -> list[Tensor]:
        """The steps of Adam at a learning rate of 1, by parameter."""
        (b1, b2), gradients = group["betas"], [p.grad for p in parameters if p.grad is not None]
        for p in parameters:
            if not self.state[p]:
                self.state[p].update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
            self.state[p]["step"] += 1
        first = [self.state[p]["exp_avg"] for p in parameters]
        second = [self.state[p]["exp_avg_sq"] for p in parameters]
        torch._foreach_lerp_(first, gradients, 1 - b1)
        torch._foreach_mul_(second, b2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - b2)
        steps = [self.state[p]["step"] for p in parameters]
        roots = torch._foreach_sqrt(torch._foreach_div(second, [1 - b2**t for t in steps]))
        torch._foreach_add_(roots, group["eps"])
        directions = torch._foreach_div(first, [1 - b1**t for t in steps])
        torch._foreach_div_(directions, roots)
        return list(directions)


class CautiousAdam(AdamDirections):
    """Adam that moves only elements whose momentum agrees in sign with the gradient, the others' share added to them
    (arXiv 2411.16085; in the code of arXiv 2502.20161)."""

    def _move(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        directions = self._adam(group, parameters)
        for p, direction in zip(parameters, directions, strict=True):
            assert p.grad is not None
            agrees = (direction * p.grad > 0).to(p.dtype)
            boost = agrees.mean().clamp_min(1e-3).reciprocal().clamp_max(_LARGEST_BOOST)
            p.sub_(direction * agrees * boost * group["lr"])


class Muon(AdamDirections):
    """Orthogonalised momentum for groups marked `matrices` (Jordan 2024), Adam for the others. Elements of a step
    have a root mean square of about the learning rate; matrices of one shape are orthogonalised together."""

    _MOMENTUM = 0.95

    def _move(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        if not group["matrices"]:
            super()._move(group, parameters)
            return
        shapes: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
        for p in parameters:
            assert p.grad is not None
            momentum = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
            momentum.lerp_(p.grad, 1 - self._MOMENTUM)
            direction = p.grad.lerp(momentum, self._MOMENTUM)
            shapes.setdefault((p.shape[0], p[0].numel()), []).append((p, direction))
        for shape, members in shapes.items():
            moved = orthogonalised(torch.stack([direction.reshape(shape) for _, direction in members]))
            for (p, _), direction in zip(members, moved, strict=True):
                p.sub_(direction.reshape(p.shape), alpha=group["lr"])


def orthogonalised(matrices: Tensor, steps: int = 5) -> Tensor:
    """(K, R, C) -> the nearest semi-orthogonal matrices, roughly, scaled to elements of root mean square 1:
    Newton-Schulz iterations in bfloat16."""
    x = matrices.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-12)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    x = x.transpose(1, 2) if tall else x
    return x.to(matrices.dtype) * math.sqrt(max(matrices.shape[1:]))
