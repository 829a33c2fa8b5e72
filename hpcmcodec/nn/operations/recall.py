"""Operation recall (FORMAT.md section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpcmcodec.nn.build import bits
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def recall(q: Array, keys: Sequence[Array], values: Sequence[Array], topk: int, temperature: float) -> Array:
    """At every position: the `topk` entries whose keys (N, D, H, W) have the largest dot product with q, the earlier of
    equals first; their values (N, V, H, W), weighted by the softmax of product / temperature. Queries and keys may be
    of one position for all."""
    shape = (1, values[0].shape[1], *values[0].shape[2:])
    return q.trace.node(shape, "recall", [q, *keys, *values], len(keys), topk, bits(temperature))


@recall.torch
def _(q: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], topk: int, temperature: float) -> Tensor:
    import torch

    from hpcmcodec.nn import torch_tools as tools

    scores = (tools.wide(q)[:, None] * tools.wide(torch.stack(tuple(keys), 1))).sum(2)  # (N, R, H, W)
    order = torch.sort(scores.detach(), dim=1, descending=True, stable=True).indices[:, :topk]
    weights = (scores.gather(1, order) / temperature).softmax(1)
    spread = torch.zeros_like(scores).scatter(1, order, weights)
    return (spread[:, :, None] * tools.wide(torch.stack(tuple(values), 1))).sum(1)
