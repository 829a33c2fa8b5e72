"""Runs programs on the native operations, node by node: what executors are held to."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hpcmcodec.nn import native
from hpcmcodec.nn.labels import Labels, Selection
from hpcmcodec.nn.regrouping import Regrouping
from hpcmcodec.nn.sizes import Size

Arrays = Mapping[str, np.ndarray]
Code = Callable[[int, np.ndarray, np.ndarray, "np.ndarray | None", np.ndarray], np.ndarray]
"""code(stream, mean, scale, delta, layout) -> decoded elements."""


def run(
    program: Mapping[str, Any],
    entry: str,
    arrays: Arrays,
    inputs: Arrays,
    grid: tuple[int, int],
    code: Code | None = None,
) -> dict[str, np.ndarray]:
    """The outputs of an entry point. arrays: parameters; inputs: maps (C, H, W), vectors (C, 1, 1)."""
    part = program["entries"][entry]
    values = [inputs[name] for name, *_ in part["inputs"]]
    for (name, channels, rows, columns), value in zip(part["inputs"], values, strict=True):
        wanted = (channels, 1, 1) if rows is None else (channels, _size(rows, grid[0]), _size(columns, grid[1]))
        assert value.shape == wanted, f"{entry}: {name} is {value.shape}, not {wanted}"
    for op, operands, *attributes in part["nodes"]:
        given = [_operand(one, values, arrays) for one in operands]
        if op == "code":
            assert code is not None
            mean, scale, delta, layout = given
            values.append(code(attributes[0], mean, scale, delta, layout))
            assert mean.shape == scale.shape == layout.shape
        else:
            result = _RUN.get(op, _plain(op))(given, attributes, grid)
            values.append(np.ascontiguousarray(result, np.float32))
    return {name: values[number] for name, number in part["outputs"]}


def _size(stored: list[int], n: int) -> int:
    return Size(*stored).at(n)


def _float(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


class _Parameter(np.ndarray):
    """Marks parameters, which operations of maps see as (elements, 1, 1)."""


def _operand(one: Any, values: list[np.ndarray], arrays: Arrays) -> Any:
    if one is None:
        return None
    if isinstance(one, int):
        return values[one]
    if isinstance(one, str):
        return np.asarray(arrays[one]).view(_Parameter)
    if len(one) == 1:
        return np.full((1, 1, 1), _float(one[0]), np.float32)
    name, first, count = one
    return np.asarray(arrays[name][first : first + count]).view(_Parameter)


def _map(x: np.ndarray) -> np.ndarray:
    return np.asarray(x).reshape(-1, 1, 1) if isinstance(x, _Parameter) else x


def _plain(op: str) -> Any:
    """An operation of maps and parameters as `native` has it, with whole numbers as attributes."""
    return lambda given, attributes, grid: getattr(native, op)(given[0][None], *map(_array, given[1:]), *attributes)[0]


def _array(x: Any) -> Any:
    return x if x is None or isinstance(x, _Parameter) else x[None]


def _binary(function: Any) -> Any:
    return lambda given, attributes, grid: function(*map(_map, given))


def _fma(given: list[np.ndarray], attributes: list[Any], grid: Any) -> np.ndarray:
    from hpcmcodec import kernels

    return kernels.fma(*(np.ascontiguousarray(part) for part in np.broadcast_arrays(*map(_map, given))))


def _vector(x: np.ndarray) -> np.ndarray:
    return _map(x).reshape(1, -1)


def _many(op: str) -> Any:
    return lambda given, attributes, grid: getattr(native, op)([_map(x)[None] for x in given], *attributes)[0]


def _regroup(given: list[np.ndarray], attributes: list[Any], grid: Any) -> np.ndarray:
    groups, tile, in_groups, in_tiles, table = attributes
    places = tuple(None if place is None else tuple(place) for place in table)
    rule = Regrouping(groups, tuple(tile), tuple(in_groups), tuple(map(tuple, in_tiles)), places)
    return native.regroup([_map(x)[None] for x in given], rule)[0]


def _selection(attributes: list[Any], grid: tuple[int, int]) -> Selection:
    channels, groups, tile, table, label, parts = attributes[:6]
    sizes = tuple((_size(rows, grid[0]), _size(columns, grid[1])) for rows, columns in parts)
    return Selection(channels, Labels(groups, tuple(tile), tuple(table)), label, sizes)


def _select(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    return native.select([x[None] for x in given], _selection(attributes, grid)).reshape(-1, 1, 1)


def _place(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    index, rows, columns = attributes[6:]
    sizes = _size(rows, grid[0]), _size(columns, grid[1])
    return native.place(given[0].reshape(1, -1), _selection(attributes, grid), index, *sizes)[0]


def _label_mask(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    channels, groups, tile, table, below, *sizes = attributes
    rows, columns, high, wide = (_size(size, grid[i % 2]) for i, size in enumerate(sizes))
    labels = Labels(groups, tuple(tile), tuple(table))
    return native.label_mask(np.zeros((1,), np.float32), labels, channels, below, (rows, columns), (high, wide))[0]


def _fill(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    channels, rows, columns, bits = attributes
    return np.full((channels, _size(rows, grid[0]), _size(columns, grid[1])), _float(bits), np.float32)


def _crop(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    top, left, rows, columns = (_size(size, grid[i % 2]) for i, size in enumerate(attributes))
    return given[0][:, top : top + rows, left : left + columns]


def _enlarged(op: str) -> Any:
    def call(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
        sizes = [_size(size, grid[i]) for i, size in enumerate(attributes)]
        return getattr(native, op)(given[0][None], *sizes)[0]

    return call


def _floats(op: str) -> Any:
    """Its last attribute is a number's bits."""

    def call(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
        changed = [*attributes[:-1], _float(attributes[-1])]
        return getattr(native, op)(given[0][None], *map(_array, given[1:]), *changed)[0]

    return call


def _recall(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    count, topk, temperature = attributes
    maps = [x[None] for x in given]
    return native.recall(maps[0], maps[1 : 1 + count], maps[1 + count :], topk, _float(temperature))[0]


def _wkv(given: list[np.ndarray], attributes: list[Any], grid: tuple[int, int]) -> np.ndarray:
    k, v, w, u = given
    sides = [size or whole for size, whole in zip(attributes, k.shape[1:], strict=True)]
    return native.wkv(k[None], v[None], *(np.asarray(x).ravel() for x in (w, u)), *sides)[0]


def _summary(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return x[None, :, 0, 0], x[None, :, 0, 1], x[None, :, 0, 2:]


def _packed(summary: Any) -> np.ndarray:
    peak, mass, sums = (part[0] for part in summary)
    return np.concatenate((peak[:, None], mass[:, None], sums), 1)[:, None]


_RUN: dict[str, Any] = {
    "add": _binary(np.add),
    "subtract": _binary(np.subtract),
    "multiply": _binary(np.multiply),
    "divide": _binary(np.divide),
    "maximum": _binary(np.maximum),
    "absolute": lambda given, attributes, grid: np.abs(given[0]),
    "fma": _fma,
    "slice": lambda given, attributes, grid: _map(given[0])[attributes[0] : attributes[0] + attributes[1]],
    "concat": _many("concat"),
    "regroup": _regroup,
    "select": _select,
    "place": _place,
    "label_mask": _label_mask,
    "fill": _fill,
    "crop": _crop,
    "extend": _enlarged("extend"),
    "pad": _enlarged("pad"),
    "leaky_relu": _floats("leaky_relu"),
    "layer_norm": _floats("layer_norm"),
    "cell_rms": _floats("cell_rms"),
    "recall": _recall,
    "wkv": _wkv,
    "signed_log_feature": lambda given, a, grid: native.signed_log_feature(given[0][None], _vector(given[1]))[0],
    "blend_rows": lambda given, a, grid: native.blend_rows(_vector(given[0]), np.asarray(given[1])).reshape(-1, 1, 1),
    "summarise": lambda given, a, grid: _packed(native.summarise(given[0][None], given[1][None], a[0])),
    "join_summaries": lambda given, a, grid: _packed(native.join_summaries(*map(_summary, given))),
    "attend_summary": lambda given, a, grid: native.attend_summary(given[0][None], _summary(given[1]), a[0])[0],
}
