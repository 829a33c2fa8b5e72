"""Operation attend_summary (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def attend_summary(q: Array, summary: Array, heads: int) -> Array:
    """Attention of q (N, d, H, W), softmaxed over the channels of each head, over what is summarised: (N, d, H, W)."""
    return local(q, "attend_summary", heads, operands=[summary])


@attend_summary.torch
def _(q: Tensor, summary: Tensor, heads: int) -> Tensor:
    mass, sums = summary[:, :, 0, 1], summary[:, :, 0, 2:]
    n, d, h, w = q.shape
    mixing = (sums / mass[..., None]).reshape(n, heads, d // heads, -1)
    weights = q.reshape(n, heads, d // heads, h * w).softmax(2)
    return (mixing.transpose(2, 3) @ weights).reshape(n, d, h, w)
