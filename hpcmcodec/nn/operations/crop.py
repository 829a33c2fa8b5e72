"""Operation crop (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import stored
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:
    from torch import Tensor


@operation
def crop(x: Array, rows: AnySize, columns: AnySize, top: AnySize = 0, left: AnySize = 0) -> Array:
    """The rectangle of this size from a row and a column on."""
    if (rows, columns) == x.shape[2:]:
        return x
    sizes = [stored(size) for size in (top, left, rows, columns)]
    return x.trace.node((*x.shape[:2], rows, columns), "crop", [x], *sizes)


@crop.torch
def _(x: Tensor, rows: int, columns: int, top: int = 0, left: int = 0) -> Tensor:
    return x[:, :, top : top + rows, left : left + columns]
