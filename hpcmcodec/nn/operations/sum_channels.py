"""Operation sum_channels (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def sum_channels(x: Array) -> Array:
    """(N, C, H, W) -> (N, 1, H, W), in the order of the channels."""
    return local(x, "sum_channels", channels=1)


@sum_channels.torch
def _(x: Tensor) -> Tensor:
    return x.sum(1, keepdim=True)
