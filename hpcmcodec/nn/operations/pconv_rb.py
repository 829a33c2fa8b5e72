"""Operation pconv_rb (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.operations.conv2d import conv2d
from hpcmcodec.nn.operations.leaky_relu import leaky_relu
from hpcmcodec.nn.tape import SLOPE, Taped, transposed

if TYPE_CHECKING:
    from torch import Tensor


@operation
def pconv_rb(x: Array, *weights: Any) -> Array:
    """Partial-convolution residual block: x + reduce(leaky(expand(cat(conv3x3(x[:, :n1]), x[:, n1:])))).

    sw (n1, n1, 3, 3), ew (mn, n, 1, 1), rw (n, mn, 1, 1). HPCM (arXiv 2507.19125), `PConvRB`."""
    return local(x, "pconv_rb", operands=weights)


@pconv_rb.torch
def _(x: Tensor, sw: Tensor, sb: Tensor, ew: Tensor, eb: Tensor, rw: Tensor, rb: Tensor) -> Tensor:
    import torch
    import torch.nn.functional as F

    from hpcmcodec.nn import torch_tools as tools

    n1 = sw.shape[0]
    first, rest = x.split((n1, x.shape[1] - n1), 1)  # two slices would each have a gradient of the whole size
    spatial = F.conv2d(first, sw, sb, padding=1)
    return tools.residual(x, torch.cat((spatial, rest.to(spatial.dtype)), 1), ew, eb, rw, rb)


_SLOPES = np.array([1, SLOPE], np.float32)


@pconv_rb.gradient
def _(x: Taped, sw: Array, sb: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Taped:
    """Keeps which values the LeakyReLU scaled, a byte each: what lies between need not be computed again."""
    n = sw.shape[0]
    spatial = conv2d(x.value[:, :n], sw, sb, 1, 1)
    expanded = conv2d(np.concatenate((spatial, x.value[:, n:]), 1), ew, eb)
    negative = (expanded < 0).view(np.uint8)
    value = x.value + conv2d(leaky_relu(expanded, SLOPE), rw, rb)

    def back(g: Array) -> Array:
        inner = conv2d(g, transposed(rw), None)
        inner *= _SLOPES[negative]  # numpy's `where` takes three times as long
        inner = conv2d(inner, transposed(ew), None)
        inner[:, :n] = conv2d(inner[:, :n], transposed(sw), None, 1, 1)
        return inner + g

    return Taped(value, (x, back))
