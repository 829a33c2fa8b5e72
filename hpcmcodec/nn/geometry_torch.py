"""Rearrangements on torch tensors, and sums of cells and channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .labels import Labels, Selection, mask
from .regrouping import Place, Regrouping


def regroup(parts: Sequence[Tensor], rule: Regrouping) -> Tensor:
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


def select(maps: Sequence[Tensor], rule: Selection) -> Tensor:
    indexes = rule.indexes(*maps[0].shape[2:])
    return torch.cat([x.flatten(1).index_select(1, _index(i, x)) for x, i in zip(maps, indexes, strict=True)], 1)


def place(values: Tensor, rule: Selection, index: int, rows: int, columns: int) -> Tensor:
    indexes = rule.indexes(rows, columns)
    first = sum(map(len, indexes[:index]))
    own = values[:, first : first + len(indexes[index])]
    out = values.new_zeros(len(values), rule.channels * rows * columns)
    return out.index_copy(1, _index(indexes[index], values), own).reshape(len(values), rule.channels, rows, columns)


def label_mask(
    like: Tensor, labels: Labels, channels: int, below: int, part: tuple[int, int], grid: tuple[int, int]
) -> Tensor:
    known = torch.from_numpy(mask(labels, channels, below, part, grid)).to(like.device, like.dtype)
    return known.expand(len(like), -1, -1, -1)


def fill(like: Tensor, channels: int, rows: int, columns: int, value: float) -> Tensor:
    return like.new_full((len(like), channels, rows, columns), value)


def crop(x: Tensor, rows: int, columns: int, top: int = 0, left: int = 0) -> Tensor:
    return x[:, :, top : top + rows, left : left + columns]


def extend(x: Tensor, rows: int, columns: int) -> Tensor:
    down, right = rows - x.shape[2], columns - x.shape[3]
    return F.pad(x, (0, right, 0, down), "replicate") if down or right else x


def pad(x: Tensor, rows: int, columns: int) -> Tensor:
    return F.pad(x, (0, columns - x.shape[3], 0, rows - x.shape[2]))


def concat_columns(a: Tensor, b: Tensor) -> Tensor:
    return torch.cat((a, b), 3)


def cell_sum(x: Tensor, factor: int) -> Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // factor, factor, w // factor, factor).sum((3, 5))


def sum_channels(x: Tensor) -> Tensor:
    return x.sum(1, keepdim=True)


def maximum(a: Tensor, b: Tensor | float) -> Tensor:
    return torch.maximum(a, b) if isinstance(b, Tensor) else a.clamp_min(b)


def vector(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack(tuple(parts), 1)


def _index(index: np.ndarray, like: Tensor) -> Tensor:
    return torch.tensor(index, device=like.device)
