"""Operation maximum (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.build import binary
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def maximum(a: Array, b: Any) -> Array:
    """The larger of each two elements."""
    return binary("maximum", a, b)


@maximum.torch
def _(a: Tensor, b: Tensor | float) -> Tensor:
    import torch

    return torch.maximum(a, b) if isinstance(b, torch.Tensor) else a.clamp_min(b)
