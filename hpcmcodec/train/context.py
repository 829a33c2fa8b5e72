"""Training of the context model alone, on latents that are analysed once (`--cache-latents`).

Transforms and hyper-analysis stay as they are, so that a step needs no pictures. Of the picture only the distortion
is missing; about latents that an encoder has quantised it is quadratic, with the curvature that is measured while the
latents are made (curvature.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .distil import Distillation
from .environment import memory_format, uses_bfloat16
from .latents import PIECE, CachedLatents, analysing, key_of
from .loss import Noise, Outcome, rate_distortion
from .objective import ContextObjective, Evaluation
from .run import Batch, Run
from .slopes import range_of

_AT_ONCE = 8
"""Crops that are analysed at a time."""
_CURVED = 8
"""Such groups that the curvature is measured on."""
_FIRST = 1 << 41
"""A number of a batch that no step of a run reaches."""


class ContextRun(Run):
    """A run whose steps see cached latents."""

    def _objective(self) -> ContextObjective:
        noise = Noise(self.group.rank, self.group.world)
        return ContextObjective(self.state.model, self.config, noise, self.state.curvature)

    def _distils(self, step: int) -> bool:
        return step < (self.config.distil or 0)

    def _prepare(self) -> None:
        """Fix the parameters that latents depend on, make the latents, measure the curvature."""
        config, state = self.config, self.state
        fixed = analysing(state.network, state.parameters, *(part[:1] for part in self._pictures(0)))
        for name in fixed:
            state.parameters[name].requires_grad_(False)
        about = [state.about["data"]["listing"], range_of(state.network), config.patch_size, config.reduce]
        about += [config.lossless, config.seed, state.quality]
        key = key_of([str(value) for value in about], {name: state.parameters[name] for name in fixed})
        count = config.cache_latents or PIECE
        self.cached = CachedLatents((config.cache or config.out) / f"latents-{key}", count)
        if self.group.first:
            self.cached.fill(self._analysed, lambda made: self._show(cached=made))
        self.group.wait()
        if self.evaluate.bends and state.step == 0:
            self._bend()
        if self._distils(state.step):
            self._distil = Evaluation(Distillation(state.model, config, self.evaluate.quantiser), config, self.group)

    def _batch(self, step: int) -> tuple[np.ndarray, ...]:
        return tuple(part[self.share] for part in self.cached.batch(self.config.seed, step, self.config.batch_size))

    def _outcome(self, batch: Batch) -> Outcome:
        return self._distil(*batch) if self._distils(self.state.step) else self.evaluate(*batch)

    def _named(self, found: dict[str, Any], step: int) -> dict[str, Any]:
        if not self._distils(step):
            return found
        mismatch = found.pop("loss")
        return {"mismatch": mismatch, **{name: value for name, value in found.items() if name not in ("bpp", "mse")}}

    def _measure_curvature(self, batch: Batch, outcome: Outcome) -> None:
        """Nothing: it does not change."""

    # ------------------------------------------------------------------------------------------ pictures
    def _pictures(self, piece: int) -> tuple[Tensor, Tensor]:
        """The crops of a piece (PIECE, 3, H, W) in 0..1 and their qualities."""
        crops = torch.from_numpy(self.crops.batch(_FIRST + piece, PIECE)).to(self.group.device)
        torch.manual_seed(self.config.seed + piece)
        quality = self._qualities(PIECE, _FIRST + piece).to(self.group.device)
        return (crops.float() / 255).contiguous(memory_format=memory_format(self.config)), quality

    @torch.no_grad()
    def _analysed(self, piece: int) -> tuple[Tensor, Tensor, Tensor]:
        """y, hyper-latents and qualities of a piece."""
        network, found = self.state.network, []
        with torch.autocast(self.group.device.type, torch.bfloat16, enabled=uses_bfloat16(self.config)):
            for x, quality in self._groups(piece):
                cond = network.condition(quality)
                y = network.analyse(x, cond).float()
                found.append((y, network.hyper_analyse(y, cond).float(), quality))
        y, z, quality = (torch.cat(parts) for parts in zip(*found, strict=True))
        return y, z, quality

    def _bend(self) -> None:
        state, config = self.state, self.config
        for x, quality in self._groups(0)[:_CURVED]:
            with torch.no_grad():
                outcome = rate_distortion(
                    state.network,
                    x,
                    quality,
                    metric=config.metric,
                    rdo=config.rdo_for(state.network.rate),
                    quantiser=self.evaluate.quantiser,
                )
            state.curvature.update(state.network, x, quality, outcome.analysed, outcome.latent, config.metric)

    def _groups(self, piece: int) -> list[tuple[Tensor, Tensor]]:
        x, quality = self._pictures(piece)
        return list(zip(x.split(_AT_ONCE), quality.split(_AT_ONCE), strict=True))
