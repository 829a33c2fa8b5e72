"""Operation conv2d (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize, ceil_div, divide
from hpcmcodec.nn.tape import Taped, transposed

if TYPE_CHECKING:
    from torch import Tensor


@operation
def conv2d(x: Array, weight: Any, bias: Any, stride: int = 1, padding: int = 0) -> Array:
    """Convolution; weight (O, C, kh, kw), zero padding."""
    outputs, _, kernel = weight.shape[:3]

    def side(size: AnySize) -> AnySize:
        if stride == 1 and kernel == 1 + 2 * padding:
            return size
        if kernel == 1 + 2 * padding:
            return ceil_div(size, stride)
        if kernel == stride + 2 * padding:
            return divide(size, stride)
        raise TypeError(f"a program has no convolution of {kernel} with stride {stride} and padding {padding}")

    shape = (1, outputs, *map(side, x.shape[2:]))
    return x.trace.node(shape, "conv2d", [x, weight, bias], stride, padding)


@conv2d.torch
def _(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
    import torch.nn.functional as F

    return F.conv2d(x, weight, bias, stride, padding)


@conv2d.gradient
def _(x: Taped, weight: Any, bias: Any, stride: int = 1, padding: int = 0) -> Taped:
    if stride != 1 or weight.shape[2] != 1 + 2 * padding:
        raise AttributeError(f"no gradient of a convolution {weight.shape} with stride {stride}, padding {padding}")
    back = transposed(weight)
    return Taped(conv2d(x.value, weight, bias, 1, padding), (x, lambda g: conv2d(g, back, None, 1, padding)))
