"""The operations of `ops` on arrays that remember how they were made: gradients on the native kernels, without torch.

For encoders that look for better latents; nothing here is normative. A network called with a `Taped` array computes
what it computes for a plain one, and `Taped.gradient` goes back the same way. Operations of the synthesis transform are
here; others raise AttributeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import native

Array = np.ndarray
Pullback = Callable[[Array], Array]
_SLOPE = 0.01  # of the LeakyReLU inside of residual blocks


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


def conv2d(x: Taped, weight: Array, bias: Array | None, stride: int = 1, padding: int = 0) -> Taped:
    if stride != 1 or weight.shape[2] != 1 + 2 * padding:
        raise AttributeError(f"no gradient of a convolution {weight.shape} with stride {stride}, padding {padding}")
    back = _transposed(weight)
    return Taped(
        native.conv2d(x.value, weight, bias, 1, padding), (x, lambda g: native.conv2d(g, back, None, 1, padding))
    )


def matrix(x: Taped, weight: Array) -> Taped:
    return conv2d(x, weight, None)


def pconv_rb(x: Taped, sw: Array, sb: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Taped:
    """Keeps the input alone: what lies between is computed again on the way back."""
    n = sw.shape[0]

    def back(g: Array) -> Array:
        spatial = native.conv2d(x.value[:, :n], sw, sb, 1, 1)
        expanded = native.conv2d(np.concatenate((spatial, x.value[:, n:]), 1), ew, eb)
        inner = native.conv2d(g, _transposed(rw), None)
        np.multiply(inner, np.float32(_SLOPE), out=inner, where=expanded < 0)
        inner = native.conv2d(inner, _transposed(ew), None)
        inner[:, :n] = native.conv2d(inner[:, :n], _transposed(sw), None, 1, 1)
        return inner + g

    return Taped(native.pconv_rb(x.value, sw, sb, ew, eb, rw, rb), (x, back))


def scale_shift(x: Taped, scale: Array, shift: Array) -> Taped:
    return Taped(native.scale_shift(x.value, scale, shift), (x, lambda g: g * scale[:, :, None, None]))


def as_float32(x: Taped) -> Taped:
    return x


def pixel_shuffle(x: Taped, factor: int) -> Taped:
    return Taped(native.pixel_shuffle(x.value, factor), (x, lambda g: native.pixel_unshuffle(g, factor)))


def lapped_filter(x: Taped, p: Array) -> Taped:
    """Rows and columns are filtered one after the other by the same matrix, in whichever order."""
    back = np.ascontiguousarray(p.T)
    return Taped(native.lapped_filter(x.value, p), (x, lambda g: native.lapped_filter(g, back)))


def _transposed(weight: Array) -> Array:
    """The kernel (I, O, k, k) that takes gradients back through a convolution (O, I, k, k) of the same size."""
    return np.ascontiguousarray(weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
