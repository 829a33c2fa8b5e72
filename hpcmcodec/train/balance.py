"""Balancing rate and distortion by how fast each improves: FAMO (arXiv 2306.03792) as in "Balanced Rate-Distortion
Optimization in Learned Image Compression" (CVPR 2025, arXiv 2502.20161), and a form that keeps lambda's meaning.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_EPSILON = 1e-8
_FADED = 0.95  # share of the budget from which an anchored run is plain


class Balance:
    """Weights of the two parts of a loss (lambda distortion, rate), and their own Adam.

    "famo", literally: the logarithms of the losses are balanced, so lambda has no effect on the optimum. "anchored":
    the weights multiply the losses themselves, stay within bounds and return to equality before the end, so that the
    network is trained for the lambda that was asked for.
    """

    def __init__(
        self,
        form: str,
        *,
        gamma: float = 0.003,
        rate: float = 0.025,
        largest: float = 0.7,
        end: float = 0.8,
        every: int = 1,
    ) -> None:
        """gamma: pull to equality. rate: of Adam. largest: |w| in the anchored form. end: share of the budget from
        which the anchored weights fade. every: steps per update."""
        self.form, self.gamma, self.largest, self.end, self.every = form, gamma, largest, end, every
        self.w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.w], rate)
        self.delta = [0.0, 0.0]

    def fade(self, done: float) -> float:
        """Factor of the weights when this share of the budget is used up."""
        if self.form == "famo" or done < self.end:
            return 1.0
        return max(0.0, (_FADED - done) / (_FADED - self.end)) if self.end < _FADED else 0.0

    def omega(self, losses: Tensor, done: float = 0.0) -> Tensor:
        """Shares (2,) of the parts' gradients, summing to one. losses (2,), positive."""
        z = torch.softmax(self.w.detach() * self.fade(done), 0)
        if self.form != "famo":
            return z
        share = z / (losses.detach().to(z) + _EPSILON)
        return share / share.sum()

    def combine(self, losses: Tensor, done: float = 0.0) -> Tensor:
        """The loss to minimise, from both parts (2,): in the anchored form their sum while the weights are equal."""
        if self.form != "famo":
            return 2 * (self.omega(losses, done).to(losses) * losses).sum()
        z = torch.softmax(self.w.detach(), 0).to(losses)
        distances = losses + _EPSILON
        scale = (z / distances).sum().detach()
        return (z * distances.log()).sum() / scale

    def wanted(self, step: int, done: float) -> bool:
        """Whether to call `update` after this step (from 0)."""
        return step % self.every == 0 and self.fade(done) > 0

    def update(self, before: Tensor, after: Tensor) -> None:
        """Losses (2,) of one batch before and after the network's step: the part that improved more loses weight."""
        before, after = before.detach().cpu().double(), after.detach().cpu().double()
        delta = (before + _EPSILON).log() - (after + _EPSILON).log()
        z = torch.softmax(self.w.detach(), 0)
        self.w.grad = z * (delta - (z * delta).sum()) + self.gamma * self.w.detach()
        self.optimizer.step()
        if self.form != "famo":
            with torch.no_grad():
                self.w.sub_(self.w.mean()).clamp_(-self.largest, self.largest)
        self.delta = delta.tolist()

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"w": self.w.detach(), "optimizer": self.optimizer.state_dict()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.w.copy_(state["w"])
        self.optimizer.load_state_dict(state["optimizer"])
