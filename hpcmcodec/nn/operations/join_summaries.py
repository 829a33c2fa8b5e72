"""Operation join_summaries (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    pass


@operation
def join_summaries(first: Array, second: Array) -> Array:
    """The summary of both sets of positions, each set with the same total weight."""
    return local(first, "join_summaries", operands=[second])


@join_summaries.torch
def _(first: Any, second: Any) -> Any:
    import torch

    peak = torch.maximum(first[0], second[0])
    a, b = (first[0] - peak).exp(), (second[0] - peak).exp()
    return peak, a * first[1] + b * second[1], a[..., None] * first[2] + b[..., None] * second[2]
