"""Operation leaky_relu (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import bits, local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """x where x >= 0, else slope * x."""
    return local(x, "leaky_relu", bits(slope))


@leaky_relu.torch
def _(x: Tensor, slope: float = 0.01) -> Tensor:
    import torch.nn.functional as F

    return F.leaky_relu(x, slope)
