"""Operation place (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import selection, stored
from hpcmcodec.nn.labels import Selection
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:
    from torch import Tensor


@operation
def place(values: Array, rule: Selection, index: int, rows: AnySize, columns: AnySize) -> Array:
    """Inverse of `select` for its map `index`, of this size: values (N, K) at their places, 0 elsewhere."""
    attributes = (*selection(rule), index, stored(rows), stored(columns))
    return values.trace.node((1, rule.channels, rows, columns), "place", [values], *attributes)


@place.torch
def _(values: Tensor, rule: Selection, index: int, rows: int, columns: int) -> Tensor:
    from hpcmcodec.nn import torch_tools as tools

    indexes = rule.indexes(rows, columns)
    first = sum(map(len, indexes[:index]))
    own = values[:, first : first + len(indexes[index])]
    out = values.new_zeros(len(values), rule.channels * rows * columns)
    return out.index_copy(1, tools.index(indexes[index], values), own).reshape(
        len(values), rule.channels, rows, columns
    )
