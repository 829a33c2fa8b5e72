"""Operation cell_sum (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import divide

if TYPE_CHECKING:
    from torch import Tensor


@operation
def cell_sum(x: Array, factor: int) -> Array:
    """Sums over factor x factor cells, row by row: (N, C, H, W) -> (N, C, H / factor, W / factor)."""
    if factor == 1:
        return x
    shape = (*x.shape[:2], *(divide(size, factor) for size in x.shape[2:]))
    return x.trace.node(shape, "cell_sum", [x], factor)


@cell_sum.torch
def _(x: Tensor, factor: int) -> Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // factor, factor, w // factor, factor).sum((3, 5))
