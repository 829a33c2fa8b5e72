"""What the files of operations share: how programs hold sizes, labels and nodes of an array's own size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .labels import Labels, Selection
from .sizes import AnySize, Size
from .trace import Traced, binary, bits

__all__ = ["binary", "bits", "enlarged", "labels_of", "local", "selection", "stored"]


def stored(size: AnySize) -> list[int]:
    """A size as programs hold it. Plain numbers are those of eager calls, whose grid is of one latent."""
    return size.stored if isinstance(size, Size) else [size, 1]


def local(x: Traced, op: str, *attributes: Any, operands: Sequence[Any] = (), channels: int | None = None) -> Traced:
    """A node of x's size."""
    shape = x.shape if channels is None else (x.shape[0], channels, *x.shape[2:])
    return x.trace.node(shape, op, [x, *operands], *attributes)


def enlarged(op: str, x: Traced, rows: AnySize, columns: AnySize) -> Traced:
    if (rows, columns) == x.shape[2:]:
        return x
    return x.trace.node((*x.shape[:2], rows, columns), op, [x], stored(rows), stored(columns))


def labels_of(labels: Labels) -> list[Any]:
    return [labels.groups, list(labels.tile), list(labels.table)]


def selection(rule: Selection) -> list[Any]:
    parts = [[stored(size) for size in part] for part in rule.parts]
    return [rule.channels, *labels_of(rule.labels), rule.label, parts]
