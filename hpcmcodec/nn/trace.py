"""Arrays that do not exist: a network called with them writes down what it does.

`Trace` collects the nodes of one entry point of a program (`program.py`), `Traced` stands for one of its values, for a
parameter of the network, or for a number. Shapes are those of arrays with a batch of one; heights and widths are
`sizes.Size`. What depends on nothing that was not asked for, and what was written twice, is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, TypeAlias

from .sizes import Size

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
        if isinstance(self.operand, str) and len(key) == 1 and isinstance(key[0], slice):
            return self._rows(key[0])
        axis = len(key) - 1
        of_channels = axis == (0 if len(self.shape) == 1 else 1) and isinstance(key[axis], slice)
        if not of_channels or any(part != everything for part in key[:-1]):
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
        return binary("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Traced:
        return binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return binary("subtract", other, self)

    def __mul__(self, other: Any) -> Traced:
        return binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return binary("divide", self, other)


def bits(value: float) -> int:
    """A number as binary32, its bit pattern as programs hold it."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def _operand(one: Any) -> Operand:
    if one is None:
        return None
    return one.operand if isinstance(one, Traced) else [bits(float(one))]


def binary(op: str, a: Any, b: Any) -> Traced:
    shapes = [x.shape if isinstance(x, Traced) else () for x in (a, b)]
    owner = a if isinstance(a, Traced) else b
    return owner.trace.node(broadcast(*shapes), op, [a, b])  # type: ignore[no-any-return]


def broadcast(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """As numpy's, of shapes with sizes. A vector (1, C) meets vectors and numbers only."""
    if len(a) < len(b):
        a, b = b, a
    if len(a) == 4 and len(b) in (2, 3):
        raise TypeError(f"shapes {a} and {b} do not go together")
    padded = (1,) * (len(a) - len(b)) + b
    if any(x != y and 1 not in (x, y) for x, y in zip(a, padded, strict=True)):
        raise TypeError(f"shapes {a} and {b} do not go together")
    return tuple(y if x == 1 else x for x, y in zip(a, padded, strict=True))
