"""Operation depthwise (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def depthwise(x: Array, weight: Any, bias: Any, padding: int = 1) -> Array:
    """Convolution of every channel with its own kernel; weight (C, 1, k, k), stride 1."""
    return local(x, "depthwise", padding, operands=[weight, bias])


@depthwise.torch
def _(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int = 1) -> Tensor:
    import torch.nn.functional as F

    from hpcmcodec.nn import torch_tools as tools

    with tools.full_precision(x):  # of latents: few operations, whose values may be large
        return F.conv2d(tools.wide(x), weight, bias, 1, padding, groups=x.shape[1])
