"""The operations of `ops` on arrays that do not exist: a network called with them writes down what it does.

`Trace` collects the nodes of one entry point of a program (`program.py`), `Traced` stands for one of its values, for a
parameter of the network, or for a number. Shapes are those of arrays with a batch of one; heights and widths are
`sizes.Size`. What depends on nothing that was not asked for, and what was written twice, is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, TypeAlias

from .labels import Labels, Selection
from .regrouping import Regrouping
from .sizes import AnySize, Size, ceil_div

Operand: TypeAlias = Any
"""As programs hold them: int, None, str, [str, int, int] or [int]."""
Node: TypeAlias = tuple[Any, ...]


class Trace:
    """The nodes of one entry point, in order of execution; the first values are the inputs."""

    def __init__(self) -> None:
        self.inputs: list[list[Any]] = []
        self.nodes: list[Node] = []
        self._known: dict[str, int] = {}

    def source(self, name: str, channels: int, rows: Size | None, columns: Size | None) -> Traced:
        """An input: a map, or without rows and columns a vector (1, channels)."""
        if rows is None or columns is None:
            self.inputs.append([name, channels, None, None])
            return Traced(self, len(self.inputs) - 1, (1, channels))
        self.inputs.append([name, channels, rows.stored, columns.stored])
        return Traced(self, len(self.inputs) - 1, (1, channels, rows, columns))

    def parameter(self, name: str, shape: tuple[int, ...]) -> Traced:
        """A parameter of the network."""
        return Traced(self, name, shape)

    def node(self, shape: tuple[Any, ...], op: str, operands: Sequence[Any], *attributes: Any) -> Traced:
        """The value of a new node, or of an equal one that is there. `code` reads symbols, and no two are equal."""
        made: Node = (op, [_operand(one) for one in operands], *attributes)
        key = repr(made)
        if op == "code" or key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(made)
        return Traced(self, -1 - self._known[key], shape)

    def entry(self, outputs: Sequence[tuple[str, Traced]]) -> dict[str, Any]:
        """The entry point as programs hold it, with what its outputs need and nothing else."""
        results = [(name, self._value(array)) for name, array in outputs]
        needed = self._needed([number for _, number in results])
        inputs = [i for i in range(len(self.inputs)) if i in needed]
        nodes = [i for i in range(len(self.nodes)) if -1 - i in needed]
        numbers = {old: new for new, old in enumerate([*inputs, *(-1 - i for i in nodes)])}
        moved = [self.nodes[i] for i in nodes]
        return {
            "inputs": [self.inputs[i] for i in inputs],
            "nodes": [[op, [numbers.get(o, o) if isinstance(o, int) else o for o in operands], *more]
                      for op, operands, *more in moved],
            "outputs": [[name, numbers[number]] for name, number in results],
        }  # fmt: skip

    def _value(self, array: Traced) -> int:
        """Its number; a parameter that is a result becomes a value."""
        whole = array if isinstance(array.operand, int) else self.node(array.shape, "concat", [array])
        return int(whole.operand)

    def _needed(self, results: list[int]) -> set[int]:
        found, waiting = set(results), list(results)
        while waiting:
            number = waiting.pop()
            if number < 0:
                more = {o for o in self.nodes[-1 - number][1] if isinstance(o, int)} - found
                found |= more
                waiting += more
        return found


class Traced:
    """`operand`: an input's number (from 0), a node's (from -1 downwards), or a parameter's name or range."""

    __array_ufunc__ = None  # numpy's numbers leave `number + traced` to this class

    def __init__(self, trace: Trace, operand: Operand, shape: tuple[Any, ...]) -> None:
        self.trace, self.operand, self.shape = trace, operand, tuple(shape)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: Any) -> Traced:
        key = index if isinstance(index, tuple) else (index,)
        everything = slice(None)
        if len(self.shape) == 2 and key == (everything, everything, None, None):
            return Traced(self.trace, self.operand, (*self.shape, 1, 1))
        if len(self.shape) == 4 and key == (everything, everything, 0, 0):
            return Traced(self.trace, self.operand, self.shape[:2])
        if isinstance(self.operand, str) and len(key) == 1:
            return self._rows(key[0])
        axis = len(key) - 1
        if axis != (0 if len(self.shape) == 1 else 1) or any(part != everything for part in key[:-1]):
            raise TypeError(f"a program cannot index {self.shape} with {index}")
        return self._channels(axis, key[axis])

    def _rows(self, part: slice) -> Traced:
        first, last, _ = part.indices(self.shape[0])
        return Traced(self.trace, [self.operand, first, last - first], (last - first, *self.shape[1:]))

    def _channels(self, axis: int, part: slice) -> Traced:
        first, last, step = part.indices(self.shape[axis])
        if step != 1:
            raise TypeError("a program cannot skip channels")
        if (first, last) == (0, self.shape[axis]):
            return self
        shape = (*self.shape[:axis], last - first, *self.shape[axis + 1 :])
        return self.trace.node(shape, "slice", [self], first, last - first)

    def __abs__(self) -> Traced:
        return self.trace.node(self.shape, "absolute", [self])

    def __neg__(self) -> Traced:
        return self * -1.0

    def __add__(self, other: Any) -> Traced:
        return _binary("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return _binary("add", other, self)

    def __sub__(self, other: Any) -> Traced:
        return _binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return _binary("subtract", other, self)

    def __mul__(self, other: Any) -> Traced:
        return _binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return _binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return _binary("divide", self, other)


def bits(value: float) -> int:
    """A number as binary32, its bit pattern as programs hold it."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def _operand(one: Any) -> Operand:
    if one is None:
        return None
    return one.operand if isinstance(one, Traced) else [bits(float(one))]


def _binary(op: str, a: Any, b: Any) -> Traced:
    shapes = [x.shape if isinstance(x, Traced) else () for x in (a, b)]
    owner = a if isinstance(a, Traced) else b
    return owner.trace.node(_broadcast(*shapes), op, [a, b])  # type: ignore[no-any-return]


def _broadcast(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """As numpy's, of shapes with sizes. A vector (1, C) meets vectors and numbers only."""
    if len(a) < len(b):
        a, b = b, a
    if len(a) == 4 and len(b) in (2, 3):
        raise TypeError(f"shapes {a} and {b} do not go together")
    padded = (1,) * (len(a) - len(b)) + b
    if any(x != y and 1 not in (x, y) for x, y in zip(a, padded, strict=True)):
        raise TypeError(f"shapes {a} and {b} do not go together")
    return tuple(y if x == 1 else x for x, y in zip(a, padded, strict=True))


def _stored(size: AnySize) -> list[int]:
    """A size as programs hold it; of plain numbers there is only 0."""
    if isinstance(size, Size):
        return size.stored
    if size:
        raise TypeError("sizes in a program follow from the latent grid")
    return [0, 1]


def _local(x: Traced, op: str, *attributes: Any, operands: Sequence[Any] = (), channels: int | None = None) -> Traced:
    """A node of x's size."""
    shape = x.shape if channels is None else (x.shape[0], channels, *x.shape[2:])
    return x.trace.node(shape, op, [x, *operands], *attributes)


# ---------------------------------------------------------------------------------------------- convolutions
def conv2d(x: Traced, weight: Any, bias: Any, stride: int = 1, padding: int = 0) -> Traced:
    outputs, _, kernel = weight.shape[:3]

    def side(size: AnySize) -> AnySize:
        if stride == 1 and kernel == 1 + 2 * padding:
            return size
        if kernel == 1 + 2 * padding:
            return ceil_div(size, stride)
        if kernel == stride + 2 * padding:
            return size.over(stride, whole=True) if isinstance(size, Size) else size // stride
        raise TypeError(f"a program has no convolution of {kernel} with stride {stride} and padding {padding}")

    shape = (1, outputs, *map(side, x.shape[2:]))
    return x.trace.node(shape, "conv2d", [x, weight, bias], stride, padding)


def matrix(x: Traced, weight: Any) -> Traced:
    return conv2d(x, weight, None)


def conv_transpose2d(x: Traced, weight: Any, bias: Any, stride: int, padding: int = 0) -> Traced:
    if weight.shape[2] != stride + 2 * padding:
        raise TypeError(f"a program has no transposed convolution {weight.shape} with stride {stride}")
    shape = (1, weight.shape[1], *(size * stride for size in x.shape[2:]))
    return x.trace.node(shape, "conv_transpose2d", [x, weight, bias], stride, padding)


def depthwise(x: Traced, weight: Any, bias: Any, padding: int = 1) -> Traced:
    return _local(x, "depthwise", padding, operands=[weight, bias])


def grouped(x: Traced, weight: Any, bias: Any) -> Traced:
    return _local(x, "grouped", operands=[weight, bias])


def pconv_rb(x: Traced, *weights: Any) -> Traced:
    return _local(x, "pconv_rb", operands=weights)


def dwconv_rb(x: Traced, *weights: Any) -> Traced:
    return _local(x, "dwconv_rb", operands=weights)


# ---------------------------------------------------------------------------------------------- attention, norms
def window_attention(q: Traced, k: Traced, v: Traced, window: int, heads: int) -> Traced:
    return q.trace.node(v.shape, "window_attention", [q, k, v], window, heads)


def layer_norm(x: Traced, weight: Any, bias: Any, eps: float) -> Traced:
    return _local(x, "layer_norm", bits(eps), operands=[weight, bias])


def wkv(k: Traced, v: Traced, w: Any, u: Any, rows: AnySize, columns: AnySize) -> Traced:
    """Windows of numbers, or of a whole side (0)."""
    for size, side in ((rows, k.shape[2]), (columns, k.shape[3])):
        if isinstance(size, Size) and size != side:
            raise TypeError("a window is of a fixed size or as large as the map")
    whole = [0 if isinstance(size, Size) else size for size in (rows, columns)]
    return k.trace.node(v.shape, "wkv", [k, v, w, u], *whole)


# ---------------------------------------------------------------------------------------------- elementwise
def leaky_relu(x: Traced, slope: float = 0.01) -> Traced:
    return _local(x, "leaky_relu", bits(slope))


def exp(x: Traced) -> Traced:
    return _local(x, "exp")


def sigmoid(x: Traced) -> Traced:
    return _local(x, "sigmoid")


def scale_shift(x: Traced, scale: Traced, shift: Traced) -> Traced:
    return _local(x, "fma", operands=[scale, shift])


def add_scaled(h: Traced, gamma: Any, x: Traced) -> Traced:
    return h.trace.node(h.shape, "fma", [gamma, x, h])


def signed_log_feature(v: Traced, s0: Traced) -> Traced:
    return _local(v, "signed_log_feature", operands=[s0], channels=2 * v.shape[1])


def step_sizes(a: Traced) -> Traced:
    return _local(a, "step_sizes")


def maximum(a: Traced, b: Any) -> Traced:
    return _binary("maximum", a, b)


def as_float32(x: Traced) -> Traced:
    return x


def stop_gradient(x: Traced) -> Traced:
    return x


# ---------------------------------------------------------------------------------------------- vectors
def blend_rows(weights: Traced, rows: Any) -> Traced:
    return weights.trace.node((1, rows.shape[1]), "blend_rows", [weights, rows])


def vector(parts: Sequence[Traced]) -> Traced:
    return parts[0].trace.node((1, len(parts)), "concat", parts)


# ---------------------------------------------------------------------------------------------- rearrangements
def concat(parts: Sequence[Traced]) -> Traced:
    first = parts[0]
    if len(parts) == 1:
        return first
    return _local(first, "concat", operands=parts[1:], channels=sum(part.shape[1] for part in parts))


def pixel_shuffle(x: Traced, factor: int) -> Traced:
    shape = (1, x.shape[1] // factor**2, *(size * factor for size in x.shape[2:]))
    return x.trace.node(shape, "pixel_shuffle", [x], factor)


def pixel_unshuffle(x: Traced, factor: int) -> Traced:
    shape = (1, x.shape[1] * factor**2, *(size.over(factor, whole=True) for size in x.shape[2:]))
    return x.trace.node(shape, "pixel_unshuffle", [x], factor)


def lapped_filter(x: Traced, p: Any) -> Traced:
    return _local(x, "lapped_filter", operands=[p])


def regroup(parts: Sequence[Traced], rule: Regrouping) -> Traced:
    width = rule.width([part.shape[1] for part in parts])
    tiles = zip(parts[0].shape[2:], rule.in_tiles[0], rule.tile, strict=True)
    sides = tuple(size.over(own, whole=True) * made for size, own, made in tiles)
    table = [None if place is None else list(place) for place in rule.table]
    attributes = (rule.groups, list(rule.tile), list(rule.in_groups), [list(tile) for tile in rule.in_tiles], table)
    return parts[0].trace.node((1, rule.groups * width, *sides), "regroup", parts, *attributes)


def concat_columns(a: Traced, b: Traced) -> Traced:
    (rows, left), right = a.shape[2:], b.shape[3]
    if left != right:
        raise TypeError("only halves are put side by side")
    return a.trace.node((*a.shape[:2], rows, left * 2), "concat_columns", [a, b])


def crop(x: Traced, rows: AnySize, columns: AnySize, top: AnySize = 0, left: AnySize = 0) -> Traced:
    if (rows, columns) == x.shape[2:]:
        return x
    sizes = [_stored(size) for size in (top, left, rows, columns)]
    return x.trace.node((*x.shape[:2], rows, columns), "crop", [x], *sizes)


def extend(x: Traced, rows: AnySize, columns: AnySize) -> Traced:
    return _enlarged("extend", x, rows, columns)


def pad(x: Traced, rows: AnySize, columns: AnySize) -> Traced:
    return _enlarged("pad", x, rows, columns)


def _enlarged(op: str, x: Traced, rows: AnySize, columns: AnySize) -> Traced:
    if (rows, columns) == x.shape[2:]:
        return x
    return x.trace.node((*x.shape[:2], rows, columns), op, [x], _stored(rows), _stored(columns))


def fill(like: Traced, channels: int, rows: AnySize, columns: AnySize, value: float) -> Traced:
    shape = (1, channels, rows, columns)
    return like.trace.node(shape, "fill", [], channels, _stored(rows), _stored(columns), bits(value))


def double(x: Traced) -> Traced:
    return x.trace.node((*x.shape[:2], *(size * 2 for size in x.shape[2:])), "double", [x])


# ---------------------------------------------------------------------------------------------- elements by label
def _labels(labels: Labels) -> list[Any]:
    return [labels.groups, list(labels.tile), list(labels.table)]


def _selection(rule: Selection) -> list[Any]:
    parts = [[_stored(size) for size in part] for part in rule.parts]
    return [rule.channels, *_labels(rule.labels), rule.label, parts]


def select(maps: Sequence[Traced], rule: Selection) -> Traced:
    return maps[0].trace.node((1, rule), "select", maps, *_selection(rule))


def place(values: Traced, rule: Selection, index: int, rows: AnySize, columns: AnySize) -> Traced:
    attributes = (*_selection(rule), index, _stored(rows), _stored(columns))
    return values.trace.node((1, rule.channels, rows, columns), "place", [values], *attributes)


def label_mask(
    like: Traced,
    labels: Labels,
    channels: int,
    below: int,
    part: tuple[AnySize, AnySize],
    grid: tuple[AnySize, AnySize],
) -> Traced:
    sizes = [_stored(size) for size in (*part, *grid)]
    return like.trace.node((1, channels, *grid), "label_mask", [], channels, *_labels(labels), below, *sizes)


# ---------------------------------------------------------------------------------------------- sums
def pooled(x: Traced) -> Traced:
    return x.trace.node((*x.shape[:2], 1, 1), "pooled", [x])


def cell_sum(x: Traced, factor: int) -> Traced:
    if factor == 1:
        return x
    shape = (*x.shape[:2], *(size.over(factor, whole=True) for size in x.shape[2:]))
    return x.trace.node(shape, "cell_sum", [x], factor)


def sum_channels(x: Traced) -> Traced:
    return _local(x, "sum_channels", channels=1)


def cell_rms(x: Traced, floor: float) -> Traced:
    shape = (*x.shape[:2], *(ceil_div(size, 2) for size in x.shape[2:]))
    return x.trace.node(shape, "cell_rms", [x], bits(floor))


# ---------------------------------------------------------------------------------------------- Haar bands
def haar(x: Traced) -> Traced:
    shape = (1, 4 * x.shape[1], *(ceil_div(size, 2) for size in x.shape[2:]))
    return x.trace.node(shape, "haar", [x])


def inverse_haar(bands: Traced) -> Traced:
    shape = (1, bands.shape[1] // 4, *(size * 2 for size in bands.shape[2:]))
    return bands.trace.node(shape, "inverse_haar", [bands])


# ---------------------------------------------------------------------------------------------- the memory bank
def unit(x: Traced) -> Traced:
    return _local(x, "unit")


def recall(q: Traced, keys: Sequence[Traced], values: Sequence[Traced], topk: int, temperature: float) -> Traced:
    shape = (1, values[0].shape[1], *values[0].shape[2:])
    return q.trace.node(shape, "recall", [q, *keys, *values], len(keys), topk, bits(temperature))


def summarise(k: Traced, v: Traced, heads: int) -> Traced:
    d = k.shape[1]
    return k.trace.node((1, d, 1, 2 + d // heads), "summarise", [k, v], heads)


def join_summaries(first: Traced, second: Traced) -> Traced:
    return _local(first, "join_summaries", operands=[second])


def attend_summary(q: Traced, summary: Traced, heads: int) -> Traced:
    return _local(q, "attend_summary", heads, operands=[summary])
