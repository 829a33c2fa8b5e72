"""Operation blend_rows (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def blend_rows(weights: Array, rows: Any) -> Array:
    """weights (N, A), rows (A, C) -> (N, C)."""
    return weights.trace.node((1, rows.shape[1]), "blend_rows", [weights, rows])


@blend_rows.torch
def _(weights: Tensor, rows: Tensor) -> Tensor:
    from hpcmcodec.nn import torch_tools as tools

    with tools.full_precision(rows):
        return weights.to(rows.dtype) @ rows
