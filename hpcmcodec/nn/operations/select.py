"""Operation select (FORMAT.md section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpcmcodec.nn.build import selection
from hpcmcodec.nn.labels import Selection
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def select(maps: Sequence[Array], rule: Selection) -> Array:
    """The elements that a rule chooses, (N, K)."""
    return maps[0].trace.node((1, rule), "select", maps, *selection(rule))


@select.torch
def _(maps: Sequence[Tensor], rule: Selection) -> Tensor:
    import torch

    from hpcmcodec.nn import torch_tools as tools

    indexes = rule.indexes(*maps[0].shape[2:])
    return torch.cat([x.flatten(1).index_select(1, tools.index(i, x)) for x, i in zip(maps, indexes, strict=True)], 1)
