"""Operation conv_transpose2d (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def conv_transpose2d(x: Array, weight: Any, bias: Any, stride: int, padding: int = 0) -> Array:
    """Transposed convolution; weight (C, O, k, k)."""
    if weight.shape[2] != stride + 2 * padding:
        raise TypeError(f"a program has no transposed convolution {weight.shape} with stride {stride}")
    shape = (1, weight.shape[1], *(size * stride for size in x.shape[2:]))
    return x.trace.node(shape, "conv_transpose2d", [x, weight, bias], stride, padding)


@conv_transpose2d.torch
def _(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int = 0) -> Tensor:
    import torch.nn.functional as F

    return F.conv_transpose2d(x, weight, bias, stride, padding)
