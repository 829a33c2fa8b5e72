"""The memory bank on torch tensors. Gradients reach queries, keys and values; the selection is a constant.

Lengths, scores and sums over positions are of float32 also where networks are trained in reduced precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def unit(x: Tensor) -> Tensor:
    x = _wide(x)
    return x / x.square().sum(1, keepdim=True).clamp_min(1e-12).sqrt()


def pooled(x: Tensor) -> Tensor:
    return _wide(x).mean((2, 3), keepdim=True)


def recall(q: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], topk: int, temperature: float) -> Tensor:
    scores = (_wide(q)[:, None] * _wide(torch.stack(tuple(keys), 1))).sum(2)  # (N, R, H, W)
    order = torch.sort(scores.detach(), dim=1, descending=True, stable=True).indices[:, :topk]
    weights = (scores.gather(1, order) / temperature).softmax(1)
    spread = torch.zeros_like(scores).scatter(1, order, weights)
    return (spread[:, :, None] * _wide(torch.stack(tuple(values), 1))).sum(1)


def add_scaled(h: Tensor, gamma: Tensor, x: Tensor) -> Tensor:
    return h + gamma[None, :, None, None] * x


def double(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
