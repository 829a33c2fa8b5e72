"""Operation concat (FORMAT.md section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def concat(parts: Sequence[Array]) -> Array:
    """Join along channels."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return local(first, "concat", operands=parts[1:], channels=sum(part.shape[1] for part in parts))


@concat.torch
def _(parts: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.cat(tuple(parts), 1)
