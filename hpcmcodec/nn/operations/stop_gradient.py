"""Operation stop_gradient (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def stop_gradient(x: Array) -> Array:
    """The same values as constants for autograd."""
    return x


@stop_gradient.torch
def _(x: Tensor) -> Tensor:
    return x.detach()
