"""Operation haar (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import ceil_div

if TYPE_CHECKING:
    from torch import Tensor


@operation
def haar(x: Array) -> Array:
    """Orthonormal Haar bands of 2x2 cells, (N, C, H, W) -> LL, LH, HL, HH (N, 4C, ceil(H/2), ceil(W/2)): additions and
    halves only. Odd sizes: the last row or column is repeated."""
    shape = (1, 4 * x.shape[1], *(ceil_div(size, 2) for size in x.shape[2:]))
    return x.trace.node(shape, "haar", [x])


@haar.torch
def _(x: Tensor) -> Tensor:
    import torch

    from hpcmcodec.nn import torch_tools as tools

    x = tools.extend(x, x.shape[2] + x.shape[2] % 2, x.shape[3] + x.shape[3] % 2)
    a, b, c, d = x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 0::2], x[..., 1::2, 1::2]
    return torch.cat(tools.butterfly(a, b, c, d), 1)
