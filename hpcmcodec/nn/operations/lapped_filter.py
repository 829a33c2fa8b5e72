"""Operation lapped_filter (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.tape import Taped

if TYPE_CHECKING:
    from torch import Tensor


@operation
def lapped_filter(x: Array, p: Any) -> Array:
    """Apply p (16, 16) to the 8 + 8 samples around every inner border of 16x16 blocks, down columns, then along rows
    (time-domain pre-filter: Tran, Liang, Tu 2003)."""
    return local(x, "lapped_filter", operands=[p])


@lapped_filter.torch
def _(x: Tensor, p: Tensor) -> Tensor:
    from hpcmcodec.nn import torch_tools as tools

    with tools.full_precision(x):
        return _lapped_filter(tools.wide(x), p)


def _lapped_filter(x: Tensor, p: Tensor) -> Tensor:
    import torch

    n, c, h, w = x.shape
    if h > 16:
        mid = x[:, :, 8 : h - 8].reshape(n, c, h // 16 - 1, 16, w)
        mid = torch.einsum("ij,bcnjw->bcniw", p, mid).reshape(n, c, h - 16, w)
        x = torch.cat((x[:, :, :8], mid, x[:, :, h - 8 :]), 2)
    if w > 16:
        mid = x[..., 8 : w - 8].reshape(n, c, h, w // 16 - 1, 16) @ p.t()
        x = torch.cat((x[..., :8], mid.reshape(n, c, h, w - 16), x[..., w - 8 :]), 3)
    return x


@lapped_filter.gradient
def _(x: Taped, p: Array) -> Taped:
    """Rows and columns are filtered one after the other by the same matrix, in whichever order."""
    back = np.ascontiguousarray(p.T)
    return Taped(lapped_filter(x.value, p), (x, lambda g: lapped_filter(g, back)))
