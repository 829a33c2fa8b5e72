"""Operation as_float32 (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.tape import Taped

if TYPE_CHECKING:
    from torch import Tensor


@operation
def as_float32(x: Array) -> Array:
    """Leave reduced precision (autocast in training); nothing to do on the native backend."""
    return x


@as_float32.torch
def _(x: Tensor) -> Tensor:
    import torch

    return x if x.dtype == torch.float64 else x.float()


@as_float32.gradient
def _(x: Taped) -> Taped:
    return x
