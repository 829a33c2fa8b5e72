"""Operation scale_shift (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.tape import Taped

if TYPE_CHECKING:
    from torch import Tensor


@operation
def scale_shift(x: Array, scale: Array, shift: Array) -> Array:
    """x * scale + shift, fused; scale and shift (N, C)."""
    return local(x, "fma", operands=[scale, shift])


@scale_shift.torch
def _(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return x * scale.to(x.dtype)[:, :, None, None] + shift.to(x.dtype)[:, :, None, None]


@scale_shift.gradient
def _(x: Taped, scale: Array, shift: Array) -> Taped:
    return Taped(scale_shift(x.value, scale, shift), (x, lambda g: g * scale[:, :, None, None]))
