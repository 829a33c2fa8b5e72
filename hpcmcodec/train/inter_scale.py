"""Decorrelation of neighbouring scales: what a finer scale adds should not be predictable from the coarser one.

After "Taming Hierarchical Image Coding Optimization" (Cong et al., ICLR 2026), in a bounded form for nested scales: the
coarse samples are part of the finer grid, so only the three new samples of each cell are compared with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_EPSILON = 1e-8
_LEAST_SAMPLES = 64  # fewer make no statistics
_RATE = 1e-3

Pairs = Sequence[tuple[Tensor, Tensor]]
"""(u, v) of every pair of scales, coarsest first, each (N, M, h, w): `network.nested(y_hat)`."""


class InterScale:
    """The term and its linear predictors A, one (M, M) per pair, the identity at first.

    The encoder is asked to make A v unlike u; A learns the opposite, to predict u from v. Neither gets the other's
    gradient. A belongs to training: it is in the checkpoint, never in a model.
    """

    def __init__(
        self,
        channels: int,
        pairs: int,
        device: torch.device,
        *,
        form: str = "corr",
        start: int = 0,
        ramp: int = 0,
        mean: Callable[[Tensor], Tensor] = lambda t: t,
    ) -> None:
        """form: "corr" or "margin". The term sets in at step `start` over `ramp` steps. mean: over processes."""
        self.predictors = [torch.eye(channels, device=device, requires_grad=True) for _ in range(pairs)]
        self.optimizer = torch.optim.Adam(self.predictors, _RATE)
        self.start, self.ramp, self.skipped = start, ramp, 0
        self._form, self._mean = {"corr": correlation, "margin": margin}[form], mean

    def weight(self, step: int) -> float:
        """Of the term at a step, 0..1."""
        return min(1.0, max(0.0, (step - self.start) / self.ramp if self.ramp else float(step >= self.start)))

    def term(self, pairs: Pairs) -> Tensor:
        """In 0..1, for the encoder; pairs with too few samples are left out and counted."""
        found = []
        for (u, v), predictor in zip(pairs, self.predictors, strict=True):
            if u[:, 0].numel() < _LEAST_SAMPLES:
                self.skipped += 1
                continue
            u, v = u.float(), v.float()
            found.append(self._form(u, _applied(predictor.detach(), v)))
        return torch.stack(found).mean() if found else torch.zeros((), device=pairs[0][0].device)

    def learn(self, pairs: Pairs) -> float:
        """One step of the predictors; returns their mean squared error on standardised data."""
        self.optimizer.zero_grad()
        errors = [
            (_standard(u.detach().float()) - _applied(predictor, _standard(v.detach().float()))).square().mean()
            for (u, v), predictor in zip(pairs, self.predictors, strict=True)
        ]
        error = torch.stack(errors).mean()
        error.backward()
        for predictor in self.predictors:
            if predictor.grad is not None:
                predictor.grad.copy_(self._mean(predictor.grad))
        self.optimizer.step()
        return float(error.detach())

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {
            "predictors": [p.detach() for p in self.predictors],
            "optimizer": self.optimizer.state_dict(),
            "skipped": self.skipped,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        for own, saved in zip(self.predictors, state["predictors"], strict=True):
            own.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.skipped = state["skipped"]


def correlation(u: Tensor, v: Tensor) -> Tensor:
    """Mean over channels of the squared correlation over pictures and positions: scaling or shifting gains nothing."""
    u, v = (t - t.mean((0, 2, 3), keepdim=True) for t in (u, v))
    covariance = (u * v).mean((0, 2, 3))
    variances = u.square().mean((0, 2, 3)) * v.square().mean((0, 2, 3))
    return (covariance.square() / (variances + _EPSILON)).mean()


def margin(u: Tensor, v: Tensor) -> Tensor:
    """Mean over channels of 1 - (squared distance / what independent signals have), where that is positive."""
    distance = (u - v).square().mean((0, 2, 3))
    independent = u.var((0, 2, 3), unbiased=False) + v.var((0, 2, 3), unbiased=False)
    return (1 - distance / (independent.detach() + _EPSILON)).clamp_min(0).mean()


def _applied(predictor: Tensor, v: Tensor) -> Tensor:
    return torch.einsum("om,nmhw->nohw", predictor, v)


def _standard(t: Tensor) -> Tensor:
    centred = t - t.mean((0, 2, 3), keepdim=True)
    return centred / (centred.square().mean((0, 2, 3), keepdim=True) + _EPSILON).sqrt()
