"""Operation double (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def double(x: Array) -> Array:
    """(N, C, H, W) -> (N, C, 2H, 2W), every element four times."""
    return x.trace.node((*x.shape[:2], *(size * 2 for size in x.shape[2:])), "double", [x])


@double.torch
def _(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
