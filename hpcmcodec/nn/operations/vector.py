"""Operation vector (FORMAT.md section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def vector(parts: Sequence[Array]) -> Array:
    """Numbers (N,) as a vector (N, A)."""
    return parts[0].trace.node((1, len(parts)), "concat", parts)


@vector.torch
def _(parts: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.stack(tuple(parts), 1)
