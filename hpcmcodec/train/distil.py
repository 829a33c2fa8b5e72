"""Distillation of a context's blocks (`--distil`): new blocks learn what those do in whose place they stand.

FitNets (arXiv 1412.6550) at every place at once: the model that the run starts from codes the latents, its blocks'
inputs and results are kept, and the new blocks, given the same inputs, learn to give the same results. Nothing else has
a gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpcmcodec.errors import UsageError
from hpcmcodec.models.registry import build
from hpcmcodec.nn.module import Array, Module
from hpcmcodec.nn.torch_model import TorchModel

from .config import RunConfig
from .environment import uses_bfloat16
from .expected import Quantiser
from .initial import from_model
from .loss import latent_rate

_STAGES = ("ctx_a", "ctx_b")
"""Parts of lite that have a stack of blocks."""


class Distillation(torch.nn.Module):
    """Latents (N, M, h, w), hyper-latents and qualities (N,) -> the fields of an Outcome.

    Its rate is the mismatch: of what the blocks add to their inputs, the share of the energy that the new ones miss. 1:
    they do nothing.
    """

    uses_all = True

    def __init__(self, model: TorchModel, config: RunConfig, quantiser: Quantiser | None) -> None:
        """Raises UsageError: the network has the blocks of the model that it starts from."""
        super().__init__()
        assert config.init is not None
        start = from_model(config.init)
        self.quantiser = quantiser
        device = next(model.parameters()).device
        self._teacher = TorchModel(build(start.config), start.arrays).requires_grad_(False).to(device)
        self._rdo, self._bf16 = config.rdo_for(model.model.rate), uses_bfloat16(config)
        changed = _changed(self._teacher.model, model.model)
        if not changed:
            raise UsageError("--distil: the network's context has the blocks of --init, so there is nothing to learn")
        self._own = torch.nn.ParameterList()  # alone: processes average no other gradients
        self._pairs: list[tuple[_Seen, Any]] = []
        for name in changed:
            old, new = getattr(self._teacher.model, name), getattr(model.model, name)
            old.blocks = _Seen(old.blocks)
            self._pairs.append((old.blocks, new.blocks))
            self._own.extend(tensor for key, tensor in model.tensors().items() if key.startswith(f"{name}.blocks."))

    def forward(self, y: Tensor, z: Tensor, quality: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(y.device.type, torch.bfloat16, enabled=self._bf16):
            with torch.no_grad():
                latent_rate(self._teacher.model, y, z, quality, rdo=self._rdo, quantiser=self.quantiser)
            missed = [
                _energy(result - new(x)) / _energy(result - x) for old, new in self._pairs for x, result in old.taken()
            ]
        mismatch = torch.stack(missed).mean(0)
        none = torch.zeros_like(mismatch)
        return none, none, none, mismatch, y, y


class _Seen:
    """Blocks that remember what they were given and what they made of it."""

    def __init__(self, blocks: Any) -> None:
        self._blocks, self._calls = blocks, list[tuple[Array, Array]]()

    def __call__(self, x: Array) -> Array:
        self._calls.append((x, self._blocks(x)))
        return self._calls[-1][1]

    def taken(self) -> list[tuple[Array, Array]]:
        """Inputs and results since the last time."""
        calls, self._calls = self._calls, []
        return calls


def _changed(before: Module, after: Module) -> list[str]:
    """Names of the stages that have other blocks in the second network."""
    stages = [name for name in _STAGES if hasattr(before, name) and hasattr(after, name)]
    names = {name: [getattr(network, name).blocks.specs().keys() for network in (before, after)] for name in stages}
    return [name for name, (own, others) in names.items() if own != others]


def _energy(x: Tensor) -> Tensor:
    """Of each map (N, C, h, w)."""
    return x.float().square().flatten(1).sum(1)
