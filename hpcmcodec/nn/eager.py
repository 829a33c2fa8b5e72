"""Operations on numpy arrays, one at a time, by the C++ kernels: what executors of programs are held to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpcmcodec.kernels.program import run_operation

from .trace import Trace, Traced


class _Now(Trace):
    """A trace that does at once what it is told. Operands are arrays as kernels take them, sizes are plain numbers."""

    def node(self, shape: tuple[Any, ...], op: str, operands: Sequence[Any], *attributes: Any) -> Traced:
        made = run_operation(op, [_operand(one) for one in operands], attributes)
        return Traced(self, made, shape)


_NOW = _Now()


def call(
    build: Callable[..., Any], signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> np.ndarray:
    """The result of an operation, (1, C, H, W) or (1, C). Raises ValueError for other arrays than one of a batch."""
    bound = signature.bind(*args, **kwargs)
    for name, value in bound.arguments.items():
        bound.arguments[name] = _given(value, str(signature.parameters[name].annotation))
    made = build(*bound.args, **bound.kwargs)
    return made if isinstance(made, np.ndarray) else _result(made)


def _given(value: Any, annotation: str) -> Any:
    if annotation == "Array":
        return _map(value)
    if annotation == "Sequence[Array]":
        return [_map(one) for one in value]
    if isinstance(value, tuple):  # parameters, as many as there are
        return tuple(_parameter(one) for one in value) if annotation == "Any" else value
    return _parameter(value)


def _map(x: np.ndarray) -> Traced:
    if x.ndim not in (1, 2, 4) or x.shape[0] != 1:
        raise ValueError(f"the kernels take arrays of shape (1, C, H, W), not {x.shape}")
    planar = x[0] if x.ndim == 4 else x.reshape(-1, 1, 1)
    return Traced(_NOW, np.ascontiguousarray(planar, np.float32), x.shape)


def _parameter(x: Any) -> Any:
    return Traced(_NOW, np.ascontiguousarray(x), x.shape) if isinstance(x, np.ndarray) else x


def _operand(one: Any) -> np.ndarray | None:
    if one is None:
        return None
    if isinstance(one, Traced):
        array: np.ndarray = one.operand
        return array
    return np.full((1, 1, 1), one, np.float32)


def _result(made: Traced) -> np.ndarray:
    array: np.ndarray = made.operand
    return array[None] if len(made.shape) == 4 else array.reshape(1, -1)
