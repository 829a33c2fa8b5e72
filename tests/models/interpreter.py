"""Runs programs operation by operation: what executors are held to."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hpcmcodec.kernels.program import run_operation
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
            values.append(run_operation(op, given, attributes, grid))
    return {name: values[number] for name, number in part["outputs"]}


def _size(stored: list[int], n: int) -> int:
    return Size(*stored).at(n)


def _operand(one: Any, values: list[np.ndarray], arrays: Arrays) -> Any:
    if one is None or isinstance(one, int):
        return None if one is None else values[one]
    if isinstance(one, str):
        return arrays[one]
    if len(one) == 1:
        (number,) = struct.unpack("<f", struct.pack("<I", one[0]))
        return np.full((1, 1, 1), number, np.float32)
    name, first, count = one
    return np.ascontiguousarray(arrays[name][first : first + count])
