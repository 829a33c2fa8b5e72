"""Operation regroup (FORMAT.md section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.regrouping import Place, Regrouping
from hpcmcodec.nn.sizes import divide

if TYPE_CHECKING:
    from torch import Tensor


@operation
def regroup(parts: Sequence[Array], rule: Regrouping) -> Array:
    """A periodic rearrangement of maps."""
    width = rule.width([part.shape[1] for part in parts])
    tiles = zip(parts[0].shape[2:], rule.in_tiles[0], rule.tile, strict=True)
    sides = tuple(divide(size, own) * made for size, own, made in tiles)
    table = [None if place is None else list(place) for place in rule.table]
    attributes = (rule.groups, list(rule.tile), list(rule.in_groups), [list(tile) for tile in rule.in_tiles], table)
    return parts[0].trace.node((1, rule.groups * width, *sides), "regroup", parts, *attributes)


@regroup.torch
def _(parts: Sequence[Tensor], rule: Regrouping) -> Tensor:
    import torch

    width = rule.width([part.shape[1] for part in parts])
    p, q = rule.tile
    r, s = rule.in_tiles[0]
    n, _, h, w = parts[0].shape
    rows, columns = h // r, w // s

    def piece(place: Place | None) -> Tensor:
        if place is None:
            return parts[0].new_zeros(n, width, rows, columns)
        k, group, row, column = place
        down, across = rule.in_tiles[k]
        return parts[k][:, group * width : (group + 1) * width, row::down, column::across]

    table = [rule.table[cell :: p * q] for cell in range(p * q)]  # of each cell of a tile, by groups
    cells = [torch.cat([piece(place) for place in places], 1) for places in table]
    if len(cells) == 1:
        return cells[0]
    tiles = torch.stack(cells, 2).unflatten(2, (p, q))  # (N, C, p, q, rows, columns)
    return tiles.permute(0, 1, 4, 2, 5, 3).reshape(n, rule.groups * width, rows * p, columns * q)
