"""Operation matrix (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.operations.conv2d import conv2d
from hpcmcodec.nn.tape import Taped

if TYPE_CHECKING:
    from torch import Tensor


@operation
def matrix(x: Array, weight: Any) -> Array:
    """1x1 convolution without bias, weight (O, C, 1, 1), in float32 even where training reduces the precision of
    networks: for statistics, whose error goes into latents and pictures undiminished."""
    return conv2d(x, weight, None)


@matrix.torch
def _(x: Tensor, weight: Tensor) -> Tensor:
    import torch.nn.functional as F

    from hpcmcodec.nn import torch_tools as tools

    with tools.full_precision(x):
        return F.conv2d(tools.wide(x), weight)


@matrix.gradient
def _(x: Taped, weight: Any) -> Taped:
    return conv2d(x, weight, None)
