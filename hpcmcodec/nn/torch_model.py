"""A model of ours as a torch.nn.Module, so that optimisers, DistributedDataParallel and torch.compile see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from .module import Module


class TorchModel(torch.nn.Module):
    """Holds the parameters of `model` as torch parameters (constants as buffers) and binds the model to them.

    Names in `state_dict` are the model's names with dots replaced by `/`; `tensors()` gives the plain ones.
    """

    def __init__(self, model: Module, arrays: Mapping[str, np.ndarray], dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.model = model
        for name, spec in model.specs().items():
            value = torch.tensor(np.asarray(arrays[name]), dtype=dtype)
            if spec.trained:
                self.register_parameter(name.replace(".", "/"), torch.nn.Parameter(value))
            else:
                self.register_buffer(name.replace(".", "/"), value)
        self.bind()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Parameters and constants under the model's own names."""
        return {k.replace("/", "."): v for k, v in (*self.named_parameters(), *self.named_buffers())}

    def bind(self) -> None:
        """Point the model at the current tensors (needed after `.to(device)`)."""
        self.model.load(self.tensors())

    def _apply(self, fn: Any, recurse: bool = True) -> TorchModel:
        super()._apply(fn, recurse)
        self.bind()
        return self

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.model(*args, **kwargs)
