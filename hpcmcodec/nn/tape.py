"""Arrays that remember how they were made: gradients on the native kernels, without torch.

For encoders that look for better latents; nothing here is normative. A network called with a `Taped` array computes
what it computes for a plain one, and `Taped.gradient` goes back the same way. Operations of the synthesis transform
have one; others raise AttributeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Pullback = Callable[[Array], Array]
SLOPE = 0.01
"""Of the LeakyReLU inside of residual blocks."""


class Taped:
    """`value` (1, C, H, W), made of `parents`, each with the function that takes gradients back to it."""

    __array_ufunc__ = None  # numpy arrays leave `array + taped` to this class

    def __init__(self, value: Array, *parents: tuple[Taped, Pullback]) -> None:
        self.value, self.parents = value, parents

    def __add__(self, other: Any) -> Taped:
        if isinstance(other, Taped):
            return Taped(self.value + other.value, (self, _same), (other, _same))
        return Taped(self.value + other, (self, _same))

    __radd__ = __add__

    def __mul__(self, factor: Array) -> Taped:
        return Taped(self.value * factor, (self, lambda g: g * factor))

    def gradient(self, source: Taped, seed: Array) -> Array:
        """The gradient at `source` of a number whose gradient here is `seed`."""
        gradients = {id(self): seed}
        for node in reversed(_in_order(self)):
            g = gradients.pop(id(node))
            if node is source:
                return g
            for parent, back in node.parents:
                part, known = back(g), gradients.get(id(parent))
                gradients[id(parent)] = part if known is None else known + part
        raise ValueError("the result does not depend on the source")


def _same(g: Array) -> Array:
    return g


def _in_order(result: Taped) -> list[Taped]:
    """All nodes, each behind what it was made of; a source that several share is the first of all."""
    order: list[Taped] = []
    seen: set[int] = set()

    def visit(node: Taped) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for parent, _ in node.parents:
                visit(parent)
            order.append(node)

    visit(result)
    return order


def transposed(weight: Array) -> Array:
    """The kernel (I, O, k, k) that takes gradients back through a convolution (O, I, k, k) of the same size."""
    return np.ascontiguousarray(weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
