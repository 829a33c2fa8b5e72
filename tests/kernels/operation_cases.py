"""Every operation of programs with operands and attributes that fit it, of random shapes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray


class Case(NamedTuple):
    """Arguments of `kernels.program.run_operation`."""

    operands: list[Array | None]
    attributes: list[Any] = []  # noqa: RUF012
    grid: tuple[int, int] = (1, 1)


class Draw:
    """Random arrays that are not aligned to vectors, with subnormal numbers and zeros of both signs."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def below(self, most: int) -> int:
        """1 .. most."""
        return int(self.rng.integers(1, most + 1))

    def array(self, *shape: int, scale: float = 1.0, shift: float = 0.0) -> Array:
        flat = np.empty(int(np.prod(shape)) + 1, np.float32)[1:]
        flat[:] = scale * self.rng.standard_normal(flat.size) + shift
        flat[::17] *= np.float32(1e-39)
        flat[5::19] = -0.0
        return flat.reshape(shape)

    def positive(self, *shape: int) -> Array:
        array = self.array(*shape)
        array[...] = np.abs(self.rng.standard_normal(shape)) + 0.1
        return array

    def map(self, channels: int | None = None, most: int = 20) -> Array:
        return self.array(channels or self.below(most), self.below(most), self.below(2 * most))


def bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def _conv2d(d: Draw) -> Case:
    kernel, stride = d.below(5), d.below(3)
    padding = int(d.rng.integers(0, kernel))
    x = d.array(d.below(40), kernel + d.below(12), kernel + d.below(30))
    outputs = d.below(30)
    bias = d.array(outputs) if d.below(2) == 1 else None
    return Case([x, d.array(outputs, x.shape[0], kernel, kernel), bias], [stride, padding])


def _conv1x1(d: Draw) -> Case:
    x, outputs = d.map(most=40), d.below(40)
    return Case([x, d.array(outputs, x.shape[0], 1, 1), d.array(outputs)], [1, 0])


def _conv_transpose2d(d: Draw) -> Case:
    kernel, stride = d.below(5), d.below(3)
    padding = int(d.rng.integers(0, kernel))
    x = d.array(d.below(20), padding + d.below(9), padding + d.below(20))
    outputs = d.below(12)
    return Case([x, d.array(x.shape[0], outputs, kernel, kernel), d.array(outputs)], [stride, padding])


def _depthwise(d: Draw) -> Case:
    kernel = d.below(5)
    padding = int(d.rng.integers(0, kernel))
    x = d.array(d.below(20), kernel + d.below(12), kernel + d.below(30))
    return Case([x, d.array(x.shape[0], 1, kernel, kernel), d.array(x.shape[0])], [padding])


def _grouped(d: Draw) -> Case:
    size, kernel = d.below(4), 2 * d.below(2) + 1
    x = d.map(size * d.below(6))
    return Case([x, d.array(x.shape[0], size, kernel, kernel), d.array(x.shape[0])])


def _residual(partial: bool) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        x = d.map(d.below(30))
        n, hidden = x.shape[0], d.below(50)
        own = d.below(n) if partial else n
        spatial = d.array(own, own if partial else 1, 3, 3)
        rest = d.array(hidden, n, 1, 1), d.array(hidden), d.array(n, hidden, 1, 1), d.array(n)
        return Case([x, spatial, d.array(own), *rest])

    return case


def _attention(d: Draw) -> Case:
    heads, window = d.below(3), d.below(9)
    q = d.map(heads * d.below(6))
    return Case([q, d.array(*q.shape), d.array(*q.shape)], [window, heads])


def _layer_norm(d: Draw) -> Case:
    x = d.map()
    return Case([x, d.array(x.shape[0]), d.array(x.shape[0])], [bits(1e-5)])


def _one(*attributes: int) -> Callable[[Draw], Case]:
    return lambda d: Case([d.array(d.below(9), d.below(20), d.below(40), scale=4.0)], list(attributes))


def _broadcast(count: int) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        shape = d.below(9), d.below(20), d.below(40)
        kind = d.below(4)
        operands = []
        for _ in range(count):
            kept = (
                d.rng.integers(0, 2, 3)
                if kind == 1
                else [1, 0, 0]
                if kind == 2
                else [0, 1, 1]
                if kind == 3
                else [1, 1, 1]
            )
            own = shape if d.below(2) == 1 else tuple(n if keep else 1 for n, keep in zip(shape, kept, strict=True))
            operands.append(d.array(*own) if d.below(2) == 1 else d.positive(*own))
        return Case(operands)  # type: ignore[arg-type]

    return case


def _feature(d: Draw) -> Case:
    x = d.map()
    return Case([x, d.positive(x.shape[0], 1, 1)])


def _blend_rows(d: Draw) -> Case:
    rows, channels = d.below(6), d.below(100)
    return Case([d.array(rows, 1, 1), d.array(rows, channels)])


def _concat(d: Draw) -> Case:
    first = d.map()
    return Case([first, *(d.array(d.below(9), *first.shape[1:]) for _ in range(d.below(3)))])


def _slice(d: Draw) -> Case:
    x = d.map()
    first = int(d.rng.integers(0, x.shape[0]))
    return Case([x], [first, d.below(x.shape[0] - first)])


def _pixel_shuffle(d: Draw) -> Case:
    r = d.below(4)
    return Case([d.map(r * r * d.below(4))], [r])


def _cells(d: Draw) -> Case:
    r = d.below(4)
    return Case([d.array(d.below(6), r * d.below(8), r * d.below(16))], [r])


def _lapped(d: Draw) -> Case:
    return Case([d.array(d.below(3), 16 * d.below(4), 16 * d.below(5)), d.array(16, 16)])


def _regroup(d: Draw) -> Case:
    groups, tile, inputs = d.below(4), [d.below(4), d.below(4)], d.below(3)
    in_groups = [d.below(4) for _ in range(inputs)]
    in_tiles = [[d.below(4), d.below(4)] for _ in range(inputs)]
    width, down, across = d.below(4), d.below(6), d.below(12)
    table: list[list[int] | None] = []
    for _ in range(groups * tile[0] * tile[1]):
        k = int(d.rng.integers(0, inputs))
        place = [k, *(int(d.rng.integers(0, n)) for n in (in_groups[k], *in_tiles[k]))]
        table.append(place if d.below(5) > 1 else None)
    maps = [
        d.array(width * count, down * rows, across * columns)
        for count, (rows, columns) in zip(in_groups, in_tiles, strict=True)
    ]
    return Case([*maps], [groups, tile, in_groups, in_tiles, table])


def _crop(d: Draw) -> Case:
    grid = d.below(9), d.below(20)
    x = d.array(d.below(6), 3 * grid[0] + 2, 4 * grid[1] + 1)
    return Case([x], [[1, 3], [2, 1], [2, 1], [1, 2]], grid)


def _larger(d: Draw) -> Case:
    grid = d.below(9), d.below(20)
    return Case([d.array(d.below(6), 2 * grid[0] - 1, 4 * grid[1])], [[2, 1], [9, 2]], grid)


def _concat_columns(d: Draw) -> Case:
    x = d.map()
    return Case([x, d.array(*x.shape[:2], d.below(9))])


def _fill(d: Draw) -> Case:
    return Case([], [d.below(5), [2, 3], [1, 1], bits(-0.5)], (d.below(9), d.below(30)))


def _wkv(d: Draw) -> Case:
    k = d.array(d.below(20), d.below(12), d.below(20), scale=3.0)
    sides = [int(d.rng.integers(0, 17)) for _ in range(2)]
    return Case([k, d.array(*k.shape), d.positive(k.shape[0]), d.array(k.shape[0], 1, 1)], sides)


def _recall(d: Draw) -> Case:
    count = d.below(8)
    value = d.array(d.below(9), d.below(9), d.below(20))
    place = (1, 1) if d.below(2) == 1 else value.shape[1:]
    q = d.array(d.below(9), *place)
    keys = [d.array(*q.shape) for _ in range(count)]
    keys[-1] = keys[0]
    values = [d.array(*value.shape) for _ in range(count)]
    return Case([q, *keys, *values], [count, d.below(8), bits(0.3)])


def _summarise(d: Draw) -> Case:
    heads = d.below(3)
    k = d.array(heads * d.below(20), d.below(12), d.below(20), scale=3.0)
    return Case([k, d.array(*k.shape)], [heads])


def _summary(d: Draw, channels: int, width: int) -> Array:
    summary = d.array(channels, 1, 2 + width)
    summary[:, :, 1] = np.abs(summary[:, :, 1]) + 0.1
    return summary


def _join(d: Draw) -> Case:
    channels, width = d.below(40), d.below(20)
    return Case([_summary(d, channels, width), _summary(d, channels, width)])


def _attend(d: Draw) -> Case:
    heads, width = d.below(3), d.below(20)
    return Case([d.map(heads * width), _summary(d, heads * width, width)], [heads])


def _labels(d: Draw, channels: int) -> list[Any]:
    groups, p, q = d.below(5), d.below(4), d.below(4)
    return [channels, groups, [p, q], [int(n) for n in d.rng.integers(0, 3, groups * p * q)]]


_PARTS = [[[2, 1], [3, 1]], [[1, 1], [1, -2]], [[1, -2], [2, 1]]]


def _part_sizes(grid: tuple[int, int]) -> list[tuple[int, int]]:
    return [(2 * grid[0], 3 * grid[1]), (grid[0], grid[1] // 2), (grid[0] // 2, 2 * grid[1])]


def _select(d: Draw) -> Case:
    grid, channels = (d.below(7), d.below(12)), d.below(9)
    maps = [d.array(channels, 2 * grid[0] + 1, 3 * grid[1] + 2) for _ in _PARTS]
    return Case([*maps], [*_labels(d, channels), 1, _PARTS], grid)


def _place(d: Draw) -> Case:
    grid, channels = (d.below(7), d.below(12)), d.below(9)
    _, groups, (p, q), table = labels = _labels(d, channels)
    marked = np.array(table).reshape(groups, p, q)[np.arange(channels) * groups // channels] == 1
    count = 0
    for rows, columns in _part_sizes(grid):
        count += int(marked[:, np.arange(rows) % p][:, :, np.arange(columns) % q].sum())
    index = int(d.rng.integers(0, 3))
    return Case([d.array(count, 1, 1)], [*labels, 1, _PARTS, index, [3, 1], [4, 1]], grid)


def _label_mask(d: Draw) -> Case:
    channels = d.below(9)
    return Case([], [*_labels(d, channels), 2, [1, -2], [1, 1], [1, 1], [2, 1]], (d.below(9), d.below(20)))


CASES: dict[str, list[Callable[[Draw], Case]]] = {
    "absolute": [_one()],
    "add": [_broadcast(2)],
    "attend_summary": [_attend],
    "blend_rows": [_blend_rows],
    "cell_rms": [_one(bits(0.12))],
    "cell_sum": [_cells],
    "concat": [_concat],
    "concat_columns": [_concat_columns],
    "conv2d": [_conv2d, _conv1x1],
    "conv_transpose2d": [_conv_transpose2d],
    "crop": [_crop],
    "depthwise": [_depthwise],
    "divide": [_broadcast(2)],
    "double": [_one()],
    "dwconv_rb": [_residual(False)],
    "exp": [_one()],
    "extend": [_larger],
    "fill": [_fill],
    "fma": [_broadcast(3)],
    "grouped": [_grouped],
    "haar": [_one()],
    "inverse_haar": [lambda d: Case([d.map(4 * d.below(5))])],
    "join_summaries": [_join],
    "label_mask": [_label_mask],
    "lapped_filter": [_lapped],
    "layer_norm": [_layer_norm],
    "leaky_relu": [_one(bits(0.01)), _one(bits(0.0))],
    "maximum": [_broadcast(2)],
    "multiply": [_broadcast(2)],
    "pad": [_larger],
    "pconv_rb": [_residual(True)],
    "pixel_shuffle": [_pixel_shuffle],
    "pixel_unshuffle": [_cells],
    "place": [_place],
    "pooled": [_one()],
    "recall": [_recall],
    "regroup": [_regroup],
    "select": [_select],
    "sigmoid": [_one()],
    "signed_log_feature": [_feature],
    "slice": [_slice],
    "step_sizes": [_one()],
    "subtract": [_broadcast(2)],
    "sum_channels": [_one()],
    "summarise": [_summarise],
    "unit": [lambda d: Case([d.map()])],
    "window_attention": [_attention],
    "wkv": [_wkv],
}


def cases(name: str, count: int) -> Iterator[Case]:
    """`count` random ones of each kind."""
    for kind, make in enumerate(CASES[name]):
        for seed in range(count):
            yield make(Draw(1000 * kind + seed))
