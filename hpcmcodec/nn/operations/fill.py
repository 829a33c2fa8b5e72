"""Operation fill (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import bits, stored
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:
    from torch import Tensor


@operation
def fill(like: Array, channels: int, rows: AnySize, columns: AnySize, value: float) -> Array:
    """An array of the kind of `like`, every element `value`."""
    shape = (1, channels, rows, columns)
    return like.trace.node(shape, "fill", [], channels, stored(rows), stored(columns), bits(value))


@fill.torch
def _(like: Tensor, channels: int, rows: int, columns: int, value: float) -> Tensor:
    return like.new_full((len(like), channels, rows, columns), value)
