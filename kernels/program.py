"""Programs of model files, run by the C++ core (formats/FORMAT.md, "Programs").

Errors are those of `hpcmcodec.errors`; arrays of wrong types or shapes raise ValueError.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._errors import translated
from hpcmcodec.kernels._load import native
from hpcmcodec.kernels.entropy import TableSet

Grid: TypeAlias = tuple[int, int]
"""Rows and columns of a latent grid."""
Span: TypeAlias = tuple[int, int]
"""A range of rows or columns: start <= i < stop."""
Code: TypeAlias = Callable[[int, Float32, Float32, "Float32 | None", "Float32 | None"], Float32]
"""code(stream, mean, scale, delta, layout) -> values in units of delta, all (C, H, W); layout None: all are coded."""

MOST_WORK = 2.0**34
"""Multiply-adds for each position of the latent grid that a program may take."""


class StreamCoder:
    """Decodes the streams of one tile. streams: None for one that is not there; tables and thresholds are the model's,
    levels (2, R, 4) those of its trellis. Raises CorruptError."""

    def __init__(
        self,
        streams: Sequence[bytes | None],
        tables: TableSet,
        y_thresholds: Float32,
        z_thresholds: Float32,
        levels: Float32 | None = None,
    ) -> None:
        with translated():
            self._native = native().StreamCoder(list(streams), tables._native, y_thresholds, z_thresholds, levels)

    def hyper(self, z_scale: Float32, sides: Grid, own: Grid) -> Float32:
        """Symbols of the hyper-latent (C, *sides), of which the top left `own` are coded. z_scale: one a channel."""
        with translated():
            return native_array(self._native.hyper(np.ascontiguousarray(z_scale), sides, own))

    def finish(self) -> None:
        """All streams must have been used up exactly."""
        with translated():
            self._native.finish()


class Program:
    """A program with the parameters of its model: maps (C, H, W) and vectors (C, 1, 1), float32.

    text: JSON. arrays: parameters by name, C-contiguous float32. entries: those to read, others may be anything; all if
    empty. Raises ModelFileError.
    """

    def __init__(self, text: str, arrays: Mapping[str, Float32], entries: Sequence[str] = ()) -> None:
        with translated():
            self._native = native().Program(text, dict(arrays), list(entries))

    def run(
        self,
        entry: str,
        inputs: Mapping[str, Float32],
        grid: Grid,
        coder: Code | StreamCoder | None = None,
        *,
        memory: float = math.inf,
        work: float = MOST_WORK,
    ) -> dict[str, Float32]:
        """The outputs of an entry as wholes. With the input `layout` the coder gets each step's part of it.

        memory: bytes that may be taken besides inputs and outputs. Raises LimitExceededError, CorruptError."""
        given = coder._native if isinstance(coder, StreamCoder) else coder
        with translated():
            return dict(self._native.run(entry, dict(inputs), grid, given, memory, work))

    def rows(
        self,
        entry: str,
        inputs: Mapping[str, Float32],
        grid: Grid,
        read: Callable[[Span, Span], Float32],
        write: Callable[[Span, Span, Float32], None],
        rows: Span,
        columns: Span,
        step: int,
    ) -> None:
        """A rectangle of an entry's result in strips of `step` rows, from the top.

        read(rows, columns) gives pieces of the map that the entry starts from, (C, rows, columns), each row once, in
        order; write(rows, columns, piece) takes those of the result. `inputs`: the vectors.
        """
        with translated():
            self._native.rows(entry, dict(inputs), grid, _source(entry), read, write, rows, columns, step)

    def needs(self, entry: str, grid: Grid, *, layout: bool = False) -> tuple[float, float]:
        """Bytes of memory and multiply-adds of a run."""
        with translated():
            memory, work = self._native.needs(entry, grid, layout)
        return float(memory), float(work)

    def step_within(
        self, entry: str, grid: Grid, rows: Span, columns: Span, memory: float, unit: int
    ) -> tuple[int, float]:
        """The most rows of a strip, a multiple of `unit`, that take at most `memory` bytes; and what they take."""
        with translated():
            step, taken = self._native.step_within(entry, grid, _source(entry), rows, columns, memory, unit)
        return int(step), float(taken)


def operation_names() -> list[str]:
    """All operations of programs but `code`, sorted."""
    return list(native().operation_names())


def run_operation(
    name: str,
    operands: Sequence[Float32 | None],
    attributes: Sequence[Any] = (),
    grid: Grid = (1, 1),
    *,
    definition: bool = False,
) -> Float32:
    """One operation on maps (C, H, W) and parameters of 1, 2 or 4 dimensions; attributes as programs hold them.

    definition: by its plain loops, slowly. Raises ModelFileError for operands or attributes that do not fit."""
    with translated():
        return native_array(
            native().run_operation(name, list(operands), json.dumps(list(attributes)), grid, definition)
        )


def native_array(array: Any) -> Float32:
    """An array of the extension, for type checkers."""
    result: Float32 = array
    return result


def _source(entry: str) -> str:
    return "picture" if entry == "analysis" else "latent"
