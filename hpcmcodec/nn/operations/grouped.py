"""Operation grouped (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def grouped(x: Array, weight: Any, bias: Any) -> Array:
    """Convolution in groups of k inputs and k outputs, weight (C, k, n, n), stride 1, size kept."""
    return local(x, "grouped", operands=[weight, bias])


@grouped.torch
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    import torch.nn.functional as F

    return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2, groups=len(weight) // weight.shape[1])
