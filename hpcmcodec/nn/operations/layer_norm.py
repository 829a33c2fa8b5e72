"""Operation layer_norm (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.build import bits, local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def layer_norm(x: Array, weight: Any, bias: Any, eps: float) -> Array:
    """Normalise over channels at every position."""
    return local(x, "layer_norm", bits(eps), operands=[weight, bias])


@layer_norm.torch
def _(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    import torch.nn.functional as F

    return F.layer_norm(x.movedim(1, -1), (x.shape[1],), weight, bias, eps).movedim(-1, 1)
