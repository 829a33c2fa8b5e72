"""Operation window_attention (FORMAT.md section 11)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def window_attention(q: Array, k: Array, v: Array, window: int, heads: int) -> Array:
    """Softmax attention inside non-overlapping windows, aligned top left; the last ones are as small as the map makes
    them. Head a owns channels a*e .. a*e+e-1 with e = C / heads; scores are scaled by 1 / sqrt(e)."""
    return q.trace.node(v.shape, "window_attention", [q, k, v], window, heads)


@window_attention.torch
def _(q: Tensor, k: Tensor, v: Tensor, window: int, heads: int) -> Tensor:
    import torch

    h, w = q.shape[2:]
    rows, columns = h - h % window, w - w % window  # of whole windows
    if (rows, columns) == (h, w):
        return _attend_tiles(q, k, v, window, heads)
    lines = []
    for down in (slice(0, rows), slice(rows, h)):
        places = [(..., down, across) for across in (slice(0, columns), slice(columns, w))]
        lines.append(torch.cat([_attend_tiles(q[p], k[p], v[p], window, heads) for p in places], 3))
    return torch.cat(lines, 2)


def _attend_tiles(q: Tensor, k: Tensor, v: Tensor, window: int, heads: int) -> Tensor:
    """Of a map that its windows fill, or that is less than a window high or wide, or empty."""
    n, c, h, w = q.shape
    if not h * w:
        return v
    e, rows, columns = c // heads, min(window, h), min(window, w)
    down, across = h // rows, w // columns

    def tokens(t: Tensor) -> Tensor:  # -> (n, windows down, windows across, heads, rows*columns, e)
        t = t.reshape(n, heads, e, down, rows, across, columns)
        return t.permute(0, 3, 5, 1, 4, 6, 2).reshape(n, down, across, heads, rows * columns, e)

    scores = tokens(q) @ tokens(k).transpose(-1, -2) / math.sqrt(e)
    out = scores.softmax(-1) @ tokens(v)
    out = out.reshape(n, down, across, heads, rows, columns, e)
    return out.permute(0, 3, 6, 1, 4, 2, 5).reshape(n, c, h, w)
