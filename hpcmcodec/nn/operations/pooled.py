"""Operation pooled (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def pooled(x: Array) -> Array:
    """Mean over positions, (N, C, 1, 1)."""
    return x.trace.node((*x.shape[:2], 1, 1), "pooled", [x])


@pooled.torch
def _(x: Tensor) -> Tensor:
    from hpcmcodec.nn import torch_tools as tools

    return tools.wide(x).mean((2, 3), keepdim=True)
