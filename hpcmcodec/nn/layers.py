"""Layers with parameters, named as in the official HPCM checkpoints."""

from __future__ import annotations

from . import operations as ops
from .module import Array, Module, constant, fan_in_uniform


class Conv2d(Module):
    """Convolution with bias: weight (o, i, k, k). `zero` starts it at zero: a correction that is off at first;
    `ends_branch` does so where it ends a residual branch that joins a trained network."""

    def __init__(
        self,
        i: int,
        o: int,
        k: int = 1,
        stride: int = 1,
        padding: int = 0,
        *,
        zero: bool = False,
        ends_branch: bool = False,
    ) -> None:
        self.stride, self.padding = stride, padding
        init = constant(0.0) if zero else fan_in_uniform()
        self.parameter("weight", o, i, k, k, init=init, grown=constant(0.0) if ends_branch else None)
        self.parameter("bias", o)

    def __call__(self, x: Array) -> Array:
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class ConvTranspose2d(Module):
    """Transposed convolution with bias: weight (i, o, k, k)."""

    def __init__(self, i: int, o: int, k: int, stride: int, padding: int = 0) -> None:
        self.stride, self.padding = stride, padding
        self.parameter("weight", i, o, k, k, init=fan_in_uniform())
        self.parameter("bias", o)

    def __call__(self, x: Array) -> Array:
        return ops.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding)


class Depthwise3x3(Module):
    """3x3 convolution of every channel by itself, with bias: weight (n, 1, 3, 3)."""

    def __init__(self, n: int) -> None:
        self.parameter("weight", n, 1, 3, 3, init=fan_in_uniform())
        self.parameter("bias", n)

    def __call__(self, x: Array) -> Array:
        return ops.depthwise(x, self.weight, self.bias)


class Grouped3x3(Module):
    """3x3 convolution of n channels in `groups` groups of as many inputs as outputs: weight (n, n / groups, 3, 3)."""

    def __init__(self, n: int, groups: int) -> None:
        self.parameter("weight", n, n // groups, 3, 3, init=fan_in_uniform())
        self.parameter("bias", n)

    def __call__(self, x: Array) -> Array:
        return ops.grouped(x, self.weight, self.bias)


class LayerNorm(Module):
    """Layer normalisation over the channels of each position. `grown`: gain where the norm ends a residual branch that
    joins a trained network."""

    def __init__(self, n: int, eps: float = 1e-6, grown: float = 1.0) -> None:
        self.eps = eps
        self.parameter("weight", n, init=constant(1.0), grown=constant(grown))
        self.parameter("bias", n)

    def __call__(self, x: Array) -> Array:
        return ops.layer_norm(x, self.weight, self.bias, self.eps)


class _PartialConv3x3(Module):
    def __init__(self, n1: int) -> None:
        self.pconv = Conv2d(n1, n1, 3, 1, 1)


class PConvRB(Module):
    """Partial-convolution residual block (HPCM, arXiv 2507.19125): the first n // partial channels see a 3x3
    convolution, then two 1x1 convolutions over all channels with a LeakyReLU between, plus the input."""

    def __init__(self, n: int, partial: int = 4, expansion: int = 4) -> None:
        self.branch = {
            "0": _PartialConv3x3(n // partial),
            "1": Conv2d(n, n * expansion),
            "3": Conv2d(n * expansion, n, ends_branch=True),
        }

    def __call__(self, x: Array) -> Array:
        s, e, r = self.branch["0"].pconv, self.branch["1"], self.branch["3"]
        return ops.pconv_rb(x, s.weight, s.bias, e.weight, e.bias, r.weight, r.bias)


class DWConvRB(Module):
    """Depthwise residual block (HPCM): depthwise 3x3, expand by 2, LeakyReLU, reduce, plus the input."""

    def __init__(self, n: int, expansion: int = 2) -> None:
        self.branch = {
            "0": Depthwise3x3(n),
            "1": Conv2d(n, n * expansion),
            "3": Conv2d(n * expansion, n, ends_branch=True),
        }

    def __call__(self, x: Array) -> Array:
        s, e, r = self.branch["0"], self.branch["1"], self.branch["3"]
        return ops.dwconv_rb(x, s.weight, s.bias, e.weight, e.bias, r.weight, r.bias)
