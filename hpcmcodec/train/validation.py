"""Validation during a run: the averaged weights, by likelihood bits and by really coded files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from .evaluate import QUALITIES, SIZE, evaluate, summary, validation_crops
from .objective import quantiser_of
from .slopes import quality_of, range_of, slope_at
from .state import State


class Validation:
    """The crops of a folder, and how a run's network is measured on them."""

    def __init__(self, state: State) -> None:
        config = state.config
        assert config.valid is not None
        multiple = state.network.pad_multiple
        crops = validation_crops(config.valid, config.valid_count, -(-SIZE // multiple) * multiple)
        self.state, self.crops = state, crops.to(state.group.device)
        self.quantiser = quantiser_of(config, state.network)
        own = range_of(state.network)  # the yardstick is taken over the same slopes whatever a network's range
        whole = tuple(round(quality_of(slope_at(quality), own), 6) for quality in QUALITIES)
        self.qualities = whole if state.quality is None else (state.quality,)

    def measure(self) -> dict[str, Any]:
        """JSON-ready: the yardstick and the points."""
        state, config = self.state, self.state.config
        rdo = config.rdo_for(state.network.rate)
        with averaged_weights(state):
            points = evaluate(
                state.network,
                self.crops,
                rdo=rdo,
                qualities=self.qualities,
                metric=config.metric,
                quantiser=self.quantiser,
            )
            found = summary(points)
            if config.valid_coded:
                from .coded import coded_bytes

                found["coded"] = coded_bytes(state, self.crops[: config.valid_coded], self.qualities)
        return found


@contextmanager
def averaged_weights(state: State) -> Iterator[None]:
    """The network with its averaged weights."""
    raw = {name: parameter.detach().clone() for name, parameter in state.parameters.items()}
    try:
        _assign(state.parameters, state.average.tensors)
        yield
    finally:
        _assign(state.parameters, raw)


@torch.no_grad()
def _assign(parameters: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(values[name])
