"""SOAP: Adam in the eigenbasis of the gradients' covariances (Vyas et al., arXiv 2409.11321)."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from .update_rules import AdamDirections

_LARGEST_SIDE = 1300
"""Of a matrix: longer ones have no basis of their own, which would cost more than it brings."""
_SIDES = (0, 1)


class Soap(AdamDirections):
    """For groups marked `matrices`; Adam for the others. The first gradient of a matrix gives its bases and does not
    move it. Each basis is refreshed every ten steps by a step of power iteration, a tenth of them in each step, and
    several processes share that."""

    _EVERY = 10
    _MEMORY = 0.95  # of the covariances, a step

    def _move(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        if not group["matrices"]:
            super()._move(group, parameters)
            return
        for index, parameter in enumerate(parameters):
            assert parameter.grad is not None
            state, gradient = self.state[parameter], parameter.grad.flatten(1)
            if state:
                direction = self._direction(state, gradient, group)
                parameter.sub_(direction.reshape(parameter.shape), alpha=group["lr"])
                self._learn(state, gradient, index)
            else:
                _begin(state, gradient)

    @staticmethod
    def _direction(state: dict[str, Any], gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """Adam's at a learning rate of 1, of the matrix as the bases show it."""
        (b1, b2), first, second = group["betas"], state["exp_avg"], state["exp_avg_sq"]
        state["step"] += 1
        turned = _turned(state, gradient)
        first.lerp_(gradient, 1 - b1)
        second.mul_(b2).addcmul_(turned, turned, value=1 - b2)
        root = (second / (1 - b2 ** state["step"])).sqrt_().add_(group["eps"])
        return _turned(state, _turned(state, first) / root, back=True) / (1 - b1 ** state["step"])

    def _learn(self, state: dict[str, Any], gradient: Tensor, index: int) -> None:
        """Take in the covariances; the parameter's turn to refresh its bases comes by its place in the group."""
        due = (state["step"] + index) % self._EVERY == 0
        for side in _SIDES:
            if f"basis_{side}" in state:
                state[f"covariance_{side}"].lerp_(_covariance(gradient, side), 1 - self._MEMORY)
                if due:
                    _refresh(state, side, index)


def _begin(state: dict[str, Any], gradient: Tensor) -> None:
    state.update(step=0, exp_avg=torch.zeros_like(gradient), exp_avg_sq=torch.zeros_like(gradient))
    for side in _SIDES:
        if gradient.shape[side] <= _LARGEST_SIDE:
            covariance = _covariance(gradient, side)
            state[f"covariance_{side}"], state[f"basis_{side}"] = covariance, torch.linalg.eigh(covariance)[1].flip(1)


def _covariance(gradient: Tensor, side: int) -> Tensor:
    return gradient @ gradient.T if side == 0 else gradient.T @ gradient


def _turned(state: dict[str, Any], matrix: Tensor, back: bool = False) -> Tensor:
    """A matrix in the bases of its sides, or from there back."""
    for side in _SIDES:
        basis = state.get(f"basis_{side}")
        if basis is not None and side == 0:
            matrix = basis @ matrix if back else basis.T @ matrix
        elif basis is not None:
            matrix = matrix @ basis.T if back else matrix @ basis
    return matrix


def _refresh(state: dict[str, Any], side: int, owner: int) -> None:
    """A step of power iteration on a basis, largest eigenvalue first. The squares are put in the same order. Of several
    processes one computes it, by the parameter's number, and tells the others."""
    basis, covariance = state[f"basis_{side}"], state[f"covariance_{side}"]
    moved = covariance @ basis
    order = (basis * moved).sum(0).argsort(descending=True, stable=True)
    world = dist.get_world_size() if dist.is_initialized() else 1
    if world == 1 or dist.get_rank() == owner % world:
        basis.copy_(torch.linalg.qr(moved[:, order])[0])
    if world > 1:
        told = torch.cat((basis, order[None].to(basis.dtype)))
        dist.broadcast(told, owner % world)
        basis.copy_(told[:-1])
        order = told[-1].long()
    state["exp_avg_sq"].copy_(state["exp_avg_sq"].index_select(side, order))
