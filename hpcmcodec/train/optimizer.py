"""Parameters by kinds of learning rate, and the schedule of these rates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from hpcmcodec.errors import UsageError

from .config import RunConfig
from .soap import Soap
from .update_rules import AdamDirections, CautiousAdam, Muon

_BETAS = (0.9, 0.98)
_EPSILON = 1e-10  # gradients of single weights are small: the usual 1e-8 would damp them
_OTHERS: dict[str, type[AdamDirections]] = {"cautious": CautiousAdam, "muon": Muon, "soap": Soap}
_OFFICIAL = ((2750 / 3000, 1.0), (2850 / 3000, 0.3), (2950 / 3000, 0.1), (2.0, 0.01))
"""HPCM's training (arXiv 2507.19125, official code): until this share of the epochs, this factor of 1e-4."""


def kind_of(name: str) -> str:
    """Which learning rate a parameter gets.

    `linear`: statistics, nearly right from the start. `fast`: tables in the log domain and neighbour weights, each with
    an effect of its own. `deep`: everything else, modulation tables included. The first two are lite's.
    """
    if name.startswith("linear.") or name == "h_pca":
        return "linear"
    if ".direct." in name or (name.endswith(".rows") and not re.search(r"\bmods?\.", name)):
        return "fast"
    return "deep"


def make_optimizer(parameters: Mapping[str, Tensor], config: RunConfig) -> torch.optim.Optimizer:
    """The optimiser with a group per learning rate, whose base value is the group's `base`. Frozen parameters get no
    gradient. Raises UsageError for a pattern of --rates or --freeze that no parameter matches, or if all are frozen."""
    _check_patterns(parameters, config)
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in parameters.items():
        frozen = config.freeze is not None and re.search(config.freeze, name) is not None
        parameter.requires_grad_(not frozen)
        if not frozen:
            matrix = config.optimizer in ("muon", "soap") and kind_of(name) == "deep" and _is_matrix(parameter)
            groups.setdefault((rate_of(name, config), matrix), []).append(parameter)
    chosen: list[dict[str, Any]] = [
        {"params": members, "lr": rate, "base": rate, "matrices": matrices}
        for (rate, matrices), members in groups.items()
    ]
    if config.optimizer in _OTHERS:
        return _OTHERS[config.optimizer](chosen, betas=_BETAS, eps=_EPSILON)
    return torch.optim.Adam(chosen, betas=_BETAS, eps=_EPSILON, fused=True)


def _check_patterns(parameters: Mapping[str, Tensor], config: RunConfig) -> None:
    patterns = [("rates", pattern) for pattern, _ in config.rates]
    if config.freeze is not None:
        patterns.append(("freeze", config.freeze))
    for option, pattern in patterns:
        if not any(re.search(pattern, name) for name in parameters):
            parts = sorted({name.partition(".")[0] for name in parameters})
            raise UsageError(f"--{option}: no parameter matches {pattern!r}; the parts are {', '.join(parts)}")
    if config.freeze is not None and all(re.search(config.freeze, name) for name in parameters):
        raise UsageError(f"--freeze {config.freeze!r} leaves nothing to train")


def rate_of(name: str, config: RunConfig) -> float:
    """The learning rate of a parameter: of the first pattern that matches, else of its kind."""
    for pattern, rate in config.rates:
        if re.search(pattern, name):
            return rate
    return {"deep": config.lr, "fast": config.lr_fast, "linear": config.lr_linear}[kind_of(name)]


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and parameter.shape[1] > 1


def schedule(step: int, done: float, config: RunConfig) -> float:
    """Factor of all learning rates at a step (from 0) when the share `done` of the budget is used up.

    "plateau": a linear rise, a plateau, a linear fall to zero; with a larger budget a run goes on from its plateau.
    """
    rise = min(1.0, (step + 1) / config.warmup)
    if config.schedule == "official":
        return rise * next(factor for end, factor in _OFFICIAL if done < end)
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
