"""Rearrangements on numpy arrays: nothing is computed but sums of cells and channels, each in its stated order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .labels import Labels, Selection, mask
from .regrouping import Regrouping

Array = np.ndarray


def regroup(parts: Sequence[Array], rule: Regrouping) -> Array:
    width = rule.width([part.shape[1] for part in parts])
    (p, q), (r, s) = rule.tile, rule.in_tiles[0]
    n, _, h, w = parts[0].shape
    out = np.zeros((n, rule.groups * width, h // r * p, w // s * q), parts[0].dtype)
    for group, row, column, place in rule.places():
        if place is not None:
            k, source, down, across = place
            r, s = rule.in_tiles[k]
            chosen = parts[k][:, source * width : (source + 1) * width, down::r, across::s]
            out[:, group * width : (group + 1) * width, row::p, column::q] = chosen
    return out


def select(maps: Sequence[Array], rule: Selection) -> Array:
    indexes = rule.indexes(*maps[0].shape[2:])
    return np.concatenate([x.reshape(len(x), -1)[:, i] for x, i in zip(maps, indexes, strict=True)], 1)


def place(values: Array, rule: Selection, index: int, rows: int, columns: int) -> Array:
    indexes = rule.indexes(rows, columns)
    first = sum(map(len, indexes[:index]))
    out = np.zeros((len(values), rule.channels, rows, columns), values.dtype)
    out.reshape(len(values), -1)[:, indexes[index]] = values[:, first : first + len(indexes[index])]
    return out


def label_mask(
    like: Array, labels: Labels, channels: int, below: int, part: tuple[int, int], grid: tuple[int, int]
) -> Array:
    known = mask(labels, channels, below, part, grid)[None]
    return known if len(like) == 1 else known.repeat(len(like), 0)


def fill(like: Array, channels: int, rows: int, columns: int, value: float) -> Array:
    return np.full((len(like), channels, rows, columns), value, like.dtype)


def crop(x: Array, rows: int, columns: int, top: int = 0, left: int = 0) -> Array:
    return x[:, :, top : top + rows, left : left + columns]


def extend(x: Array, rows: int, columns: int) -> Array:
    return np.pad(x, ((0, 0), (0, 0), (0, rows - x.shape[2]), (0, columns - x.shape[3])), "edge")


def pad(x: Array, rows: int, columns: int) -> Array:
    return np.pad(x, ((0, 0), (0, 0), (0, rows - x.shape[2]), (0, columns - x.shape[3])))


def concat_columns(a: Array, b: Array) -> Array:
    return np.concatenate((a, b), 3)


def cell_sum(x: Array, factor: int) -> Array:
    total = x[:, :, ::factor, ::factor]
    for cell in range(1, factor * factor):
        total = total + x[:, :, cell // factor :: factor, cell % factor :: factor]
    return np.ascontiguousarray(total)


def sum_channels(x: Array) -> Array:
    total = np.zeros_like(x[:, :1])
    for channel in range(x.shape[1]):
        total = total + x[:, channel : channel + 1]
    return total


def maximum(a: Array, b: Array | float) -> Array:
    return np.maximum(a, np.asarray(b, a.dtype))


def vector(parts: Sequence[Array]) -> Array:
    return np.stack(parts, 1)
