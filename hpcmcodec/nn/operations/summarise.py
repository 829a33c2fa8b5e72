"""Operation summarise (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def summarise(k: Array, v: Array, heads: int) -> Array:
    """What linear attention needs of keys and values (N, d, H, W): of every key channel its largest value (N, d), the
    mean of p = exp(k - largest) over positions (N, d), that of p * v for each value channel of its head
    (N, d, d / heads). The three side by side, (N, d, 1, 2 + d / heads)."""
    d = k.shape[1]
    return k.trace.node((1, d, 1, 2 + d // heads), "summarise", [k, v], heads)


@summarise.torch
def _(k: Tensor, v: Tensor, heads: int) -> Tensor:
    import torch

    n, d = k.shape[:2]
    k, v = (t if t.dtype == torch.float64 else t.float() for t in (k, v))  # whatever networks are trained in
    peak = k.detach().amax((2, 3))  # a constant: it cancels
    p = (k - peak[:, :, None, None]).exp().reshape(n, heads, d // heads, -1)
    sums = (p / p.shape[-1]) @ v.reshape(n, heads, d // heads, -1).transpose(2, 3)
    return torch.cat((peak[..., None], p.mean(-1).reshape(n, d, 1), sums.reshape(n, d, -1)), 2)[:, :, None]
