"""Operation sigmoid (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), any shape."""
    return local(x, "sigmoid")


@sigmoid.torch
def _(x: Tensor) -> Tensor:
    return x.sigmoid()
