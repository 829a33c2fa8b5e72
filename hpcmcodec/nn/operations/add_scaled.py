"""Operation add_scaled (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def add_scaled(h: Array, gamma: Any, x: Array) -> Array:
    """h + gamma * x, fused; gamma (C,)."""
    return h.trace.node(h.shape, "fma", [gamma, x, h])


@add_scaled.torch
def _(h: Tensor, gamma: Tensor, x: Tensor) -> Tensor:
    return h + gamma[None, :, None, None] * x
