"""Operation concat_columns (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def concat_columns(a: Array, b: Array) -> Array:
    """Two maps side by side."""
    (rows, left), right = a.shape[2:], b.shape[3]
    if left != right:
        raise TypeError("only halves are put side by side")
    return a.trace.node((*a.shape[:2], rows, left * 2), "concat_columns", [a, b])


@concat_columns.torch
def _(a: Tensor, b: Tensor) -> Tensor:
    import torch

    return torch.cat((a, b), 3)
