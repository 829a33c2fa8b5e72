"""Operation exp (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def exp(x: Array) -> Array:
    """e^x, any shape."""
    return local(x, "exp")


@exp.torch
def _(x: Tensor) -> Tensor:
    return x.exp()
