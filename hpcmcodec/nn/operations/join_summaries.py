"""Operation join_summaries (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def join_summaries(first: Array, second: Array) -> Array:
    """The summary of both sets of positions, each set with the same total weight."""
    return local(first, "join_summaries", operands=[second])


@join_summaries.torch
def _(first: Tensor, second: Tensor) -> Tensor:
    import torch

    peak = torch.maximum(first[..., :1], second[..., :1])
    a, b = (first[..., :1] - peak).exp(), (second[..., :1] - peak).exp()
    return torch.cat((peak, a * first[..., 1:] + b * second[..., 1:]), 3)
