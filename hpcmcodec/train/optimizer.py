"""Adam by kinds of parameters, the schedule of learning rates, averaged weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from .config import RunConfig

_BETAS = (0.9, 0.98)
_EPSILON = 1e-10  # gradients of single weights are small: the usual 1e-8 would damp them


def kind_of(name: str) -> str:
    """Which learning rate a parameter of lite gets.

    `linear`: statistics, nearly right from the start. `fast`: tables in the log domain and neighbour weights, each with
    an effect of its own. `deep`: everything else, modulation tables included.
    """
    if name.startswith("linear.") or name == "h_pca":
        return "linear"
    if ".direct." in name or (name.endswith(".rows") and not re.search(r"\bmods?\.", name)):
        return "fast"
    return "deep"


def make_optimizer(parameters: Mapping[str, Tensor], config: RunConfig) -> torch.optim.Adam:
    """Adam with a group per kind; the base learning rate is the group's `base`. Frozen parameters get no gradient."""
    rates = {"deep": config.lr, "fast": config.lr_fast, "linear": config.lr_linear}
    groups: dict[str, list[Tensor]] = {kind: [] for kind in rates}
    for name, parameter in parameters.items():
        frozen = config.freeze is not None and re.search(config.freeze, name) is not None
        parameter.requires_grad_(not frozen)
        if not frozen:
            groups[kind_of(name)].append(parameter)
    chosen = [{"params": groups[k], "lr": rate, "base": rate} for k, rate in rates.items() if groups[k]]
    return torch.optim.Adam(chosen, betas=_BETAS, eps=_EPSILON, fused=True)


def schedule(step: int, done: float, config: RunConfig) -> float:
    """Factor of all learning rates at a step (from 0) when the share `done` of the budget is used up: a linear rise,
    a plateau, a linear fall to zero. With a larger budget a run goes on from its plateau."""
    rise = min(1.0, (step + 1) / config.warmup)
    fall = (1 - done) / config.decay if done > 1 - config.decay else 1.0
    return rise * max(0.0, fall)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Multiply the groups' base learning rates."""
    for group in optimizer.param_groups:
        group["lr"] = group["base"] * factor


def clipped_norm(parameters: Iterable[Tensor], limit: float) -> float:
    """Scale the gradients to at most this norm; returns the norm before, which may not be finite."""
    return float(torch.nn.utils.clip_grad_norm_(list(parameters), limit, foreach=True))


class Average:
    """Exponential moving average of all parameters, quick to follow in the first steps."""

    def __init__(self, tensors: Mapping[str, Tensor], decay: float) -> None:
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in tensors.items()}

    @torch.no_grad()
    def update(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take in the weights after `step` steps."""
        decay = min(self.decay, step / (step + 9))
        own = [self.tensors[name] for name in tensors]
        torch._foreach_lerp_(own, list(tensors.values()), 1 - decay)
