"""Operation unit (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def unit(x: Array) -> Array:
    """Every position's vector over its length, the squared length being at least 1e-12."""
    return local(x, "unit")


@unit.torch
def _(x: Tensor) -> Tensor:
    from hpcmcodec.nn import torch_tools as tools

    x = tools.wide(x)
    return x / x.square().sum(1, keepdim=True).clamp_min(1e-12).sqrt()
