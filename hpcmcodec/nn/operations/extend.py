"""Operation extend (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import enlarged
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:
    from torch import Tensor


@operation
def extend(x: Array, rows: AnySize, columns: AnySize) -> Array:
    """The last row and column repeated up to this size."""
    return enlarged("extend", x, rows, columns)


@extend.torch
def _(x: Tensor, rows: int, columns: int) -> Tensor:
    import torch.nn.functional as F

    down, right = rows - x.shape[2], columns - x.shape[3]
    return F.pad(x, (0, right, 0, down), "replicate") if down or right else x
