"""Operation pixel_unshuffle (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import divide

if TYPE_CHECKING:
    from torch import Tensor


@operation
def pixel_unshuffle(x: Array, factor: int) -> Array:
    """Inverse of pixel_shuffle."""
    shape = (1, x.shape[1] * factor**2, *(divide(size, factor) for size in x.shape[2:]))
    return x.trace.node(shape, "pixel_unshuffle", [x], factor)


@pixel_unshuffle.torch
def _(x: Tensor, factor: int) -> Tensor:
    import torch.nn.functional as F

    return F.pixel_unshuffle(x, factor)
