"""Operation dwconv_rb (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def dwconv_rb(x: Array, *weights: Any) -> Array:
    """Depthwise residual block: x + reduce(leaky(expand(depthwise3x3(x)))). sw (n, 1, 3, 3). HPCM, `DWConvRB`."""
    return local(x, "dwconv_rb", operands=weights)


@dwconv_rb.torch
def _(x: Tensor, sw: Tensor, sb: Tensor, ew: Tensor, eb: Tensor, rw: Tensor, rb: Tensor) -> Tensor:
    import torch.nn.functional as F

    from hpcmcodec.nn import torch_tools as tools

    return tools.residual(x, F.conv2d(x, sw, sb, padding=1, groups=x.shape[1]), ew, eb, rw, rb)
