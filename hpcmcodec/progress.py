"""How far the work on one picture is, told to whoever watches this thread. Costs next to nothing where nobody does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[float], None]
"""Hears of the share that is done, 0 to 1."""

_local = threading.local()


@contextmanager
def watch(tell: Tell) -> Iterator[None]:
    """Calls `tell` as work in this thread goes on, from this thread."""
    before = getattr(_local, "state", None)
    _local.state = tell, 0.0, 1.0
    try:
        yield
    finally:
        _local.state = before


@contextmanager
def part(start: float, stop: float) -> Iterator[None]:
    """What is done within counts as this part of the whole."""
    before = getattr(_local, "state", None)
    if before is not None:
        tell, low, high = before
        _local.state = tell, low + start * (high - low), low + stop * (high - low)
    try:
        yield
    finally:
        _local.state = before


def at(share: float) -> None:
    """This share of the whole, or of the innermost `part`, is done."""
    state = getattr(_local, "state", None)
    if state is not None:
        tell, low, high = state
        tell(low + min(max(share, 0.0), 1.0) * (high - low))
