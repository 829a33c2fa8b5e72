"""Operation pad (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import enlarged
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:
    from torch import Tensor


@operation
def pad(x: Array, rows: AnySize, columns: AnySize) -> Array:
    """Zeros below and at the right up to this size."""
    return enlarged("pad", x, rows, columns)


@pad.torch
def _(x: Tensor, rows: int, columns: int) -> Tensor:
    import torch.nn.functional as F

    return F.pad(x, (0, columns - x.shape[3], 0, rows - x.shape[2]))
