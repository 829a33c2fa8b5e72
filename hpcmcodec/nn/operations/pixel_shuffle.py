"""Operation pixel_shuffle (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.operations.pixel_unshuffle import pixel_unshuffle
from hpcmcodec.nn.tape import Taped

if TYPE_CHECKING:
    from torch import Tensor


@operation
def pixel_shuffle(x: Array, factor: int) -> Array:
    """(N, C r r, H, W) -> (N, C, H r, W r); channel c r r + i r + j holds phase (i, j)."""
    shape = (1, x.shape[1] // factor**2, *(size * factor for size in x.shape[2:]))
    return x.trace.node(shape, "pixel_shuffle", [x], factor)


@pixel_shuffle.torch
def _(x: Tensor, factor: int) -> Tensor:
    import torch.nn.functional as F

    return F.pixel_shuffle(x, factor)


@pixel_shuffle.gradient
def _(x: Taped, factor: int) -> Taped:
    return Taped(pixel_shuffle(x.value, factor), (x, lambda g: pixel_unshuffle(g, factor)))
