"""The operations of `ops` on torch tensors: training, and the oracle of the native kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry_torch import cell_sum as cell_sum
from .geometry_torch import concat_columns as concat_columns
from .geometry_torch import crop as crop
from .geometry_torch import extend as extend
from .geometry_torch import fill as fill
from .geometry_torch import label_mask as label_mask
from .geometry_torch import maximum as maximum
from .geometry_torch import pad as pad
from .geometry_torch import place as place
from .geometry_torch import regroup as regroup
from .geometry_torch import select as select
from .geometry_torch import sum_channels as sum_channels
from .geometry_torch import vector as vector
from .memory_torch import add_scaled as add_scaled
from .memory_torch import double as double
from .memory_torch import pooled as pooled
from .memory_torch import recall as recall
from .memory_torch import unit as unit
from .summary_torch import attend_summary as attend_summary
from .summary_torch import join_summaries as join_summaries
from .summary_torch import summarise as summarise
from .wavelet_torch import cell_rms as cell_rms
from .wavelet_torch import grouped as grouped
from .wavelet_torch import haar as haar
from .wavelet_torch import inverse_haar as inverse_haar
from .wavelet_torch import step_sizes as step_sizes
from .wkv_torch import wkv as wkv


def _full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Within autocast: not here. The meta device, on which shapes are counted, knows no autocast."""
    known = torch.amp.is_autocast_available(x.device.type)
    return torch.autocast(x.device.type, enabled=False) if known else nullcontext()


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
    return F.conv2d(x, weight, bias, stride, padding)


def matrix(x: Tensor, weight: Tensor) -> Tensor:
    with _full_precision(x):
        return F.conv2d(as_float32(x), weight)


def conv_transpose2d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int = 0) -> Tensor:
    return F.conv_transpose2d(x, weight, bias, stride, padding)


def depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int = 1) -> Tensor:
    with _full_precision(x):  # of latents: few operations, whose values may be large
        return F.conv2d(as_float32(x), weight, bias, 1, padding, groups=x.shape[1])


def _feed_forward(x: Tensor, ew: Tensor, eb: Tensor, rw: Tensor, rb: Tensor) -> Tensor:
    return F.conv2d(F.leaky_relu(F.conv2d(x, ew, eb), 0.01), rw, rb)


def pconv_rb(x: Tensor, sw: Tensor, sb: Tensor, ew: Tensor, eb: Tensor, rw: Tensor, rb: Tensor) -> Tensor:
    n1 = sw.shape[0]
    spatial = F.conv2d(x[:, :n1], sw, sb, padding=1)
    return x + _feed_forward(torch.cat((spatial, x[:, n1:].to(spatial.dtype)), 1), ew, eb, rw, rb)


def dwconv_rb(x: Tensor, sw: Tensor, sb: Tensor, ew: Tensor, eb: Tensor, rw: Tensor, rb: Tensor) -> Tensor:
    return x + _feed_forward(F.conv2d(x, sw, sb, padding=1, groups=x.shape[1]), ew, eb, rw, rb)


def window_attention(q: Tensor, k: Tensor, v: Tensor, window: int, heads: int) -> Tensor:
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


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x.movedim(1, -1), (x.shape[1],), weight, bias, eps).movedim(-1, 1)


def softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    return F.leaky_relu(x, slope)


def exp(x: Tensor) -> Tensor:
    return x.exp()


def sigmoid(x: Tensor) -> Tensor:
    return x.sigmoid()


def scale_shift(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return x * scale.to(x.dtype)[:, :, None, None] + shift.to(x.dtype)[:, :, None, None]


def signed_log_feature(v: Tensor, s0: Tensor) -> Tensor:
    m = torch.log1p(v.abs() / s0[:, :, None, None])
    return torch.cat((v.sign() * m, m), 1)


def as_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def stop_gradient(x: Tensor) -> Tensor:
    return x.detach()


def concat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(tuple(parts), 1)


def pixel_shuffle(x: Tensor, factor: int) -> Tensor:
    return F.pixel_shuffle(x, factor)


def pixel_unshuffle(x: Tensor, factor: int) -> Tensor:
    return F.pixel_unshuffle(x, factor)


def blend_rows(weights: Tensor, rows: Tensor) -> Tensor:
    with _full_precision(rows):
        return weights.to(rows.dtype) @ rows


def lapped_filter(x: Tensor, p: Tensor) -> Tensor:
    with _full_precision(x):
        return _lapped_filter(as_float32(x), p)


def _lapped_filter(x: Tensor, p: Tensor) -> Tensor:
    n, c, h, w = x.shape
    if h > 16:
        mid = x[:, :, 8 : h - 8].reshape(n, c, h // 16 - 1, 16, w)
        mid = torch.einsum("ij,bcnjw->bcniw", p, mid).reshape(n, c, h - 16, w)
        x = torch.cat((x[:, :, :8], mid, x[:, :, h - 8 :]), 2)
    if w > 16:
        mid = x[..., 8 : w - 8].reshape(n, c, h, w // 16 - 1, 16) @ p.t()
        x = torch.cat((x[..., :8], mid.reshape(n, c, h, w - 16), x[..., w - 8 :]), 3)
    return x
