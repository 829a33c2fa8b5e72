"""What an operation is: one function that says what it does to shapes and how a program holds it, which serves tracing
and the kernels alike, one definition on torch tensors, and where encoders need it one gradient.

A network calls an operation with arrays (N, C, H, W) of one kind: torch tensors in training, numpy arrays (N = 1) on
the C++ kernels with normative arithmetic (formats/FORMAT.md), `trace.Traced` to write down a program, `tape.Taped` for
gradients without torch. The kind of the first array says which. Plain arithmetic (`+`, `*`, slicing of channels) needs
no operation: it is one correctly rounded IEEE operation per element on all of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from .module import Array as Array

Function = Callable[..., Any]


class Operation:
    """Called like the function that it was made of. Arguments annotated `Array` (or a sequence of them) are arrays of
    the network, `Any` its parameters."""

    def __init__(self, build: Function) -> None:
        self._build = build
        self._torch: Function | None = None
        self._gradient: Function | None = None
        self._signature = inspect.signature(build)
        update_wrapper(self, build)

    def torch(self, definition: Function) -> Function:
        """Decorator: the definition on torch tensors."""
        self._torch = definition
        return definition

    def gradient(self, definition: Function) -> Function:
        """Decorator: the definition on `tape.Taped` arrays."""
        self._gradient = definition
        return definition

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from . import tape, trace

        first = args[0][0] if isinstance(args[0], list | tuple) else args[0]
        if isinstance(first, np.ndarray):
            from . import eager  # a bare tree, which only trains, has no kernels to import

            return eager.call(self._build, self._signature, args, kwargs)
        if isinstance(first, trace.Traced):
            return self._build(*args, **kwargs)
        if isinstance(first, tape.Taped):
            if self._gradient is None:
                raise AttributeError(f"{self._build.__name__} has no gradient without torch")
            return self._gradient(*args, **kwargs)
        assert self._torch is not None
        return self._torch(*args, **kwargs)


def operation(build: Function) -> Operation:
    """Decorator: the operation of this name."""
    return Operation(build)
