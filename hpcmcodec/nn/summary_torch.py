"""Summaries for linear attention on torch tensors."""

from __future__ import annotations

import torch
from torch import Tensor

Summary = tuple[Tensor, Tensor, Tensor]


def summarise(k: Tensor, v: Tensor, heads: int) -> Summary:
    n, d = k.shape[:2]
    k, v = (t if t.dtype == torch.float64 else t.float() for t in (k, v))  # whatever networks are trained in
    peak = k.detach().amax((2, 3))  # a constant: it cancels
    p = (k - peak[:, :, None, None]).exp().reshape(n, heads, d // heads, -1)
    sums = (p / p.shape[-1]) @ v.reshape(n, heads, d // heads, -1).transpose(2, 3)
    return peak, p.mean(-1).reshape(n, d), sums.reshape(n, d, -1)


def join_summaries(first: Summary, second: Summary) -> Summary:
    peak = torch.maximum(first[0], second[0])
    a, b = (first[0] - peak).exp(), (second[0] - peak).exp()
    return peak, a * first[1] + b * second[1], a[..., None] * first[2] + b[..., None] * second[2]


def attend_summary(q: Tensor, summary: Summary, heads: int) -> Tensor:
    _, mass, sums = summary
    n, d, h, w = q.shape
    mixing = (sums / mass[..., None]).reshape(n, heads, d // heads, -1)
    weights = q.reshape(n, heads, d // heads, h * w).softmax(2)
    return (mixing.transpose(2, 3) @ weights).reshape(n, d, h, w)
