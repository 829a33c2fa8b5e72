"""Operation cell_rms (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import bits
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import ceil_div

if TYPE_CHECKING:
    from torch import Tensor


@operation
def cell_rms(x: Array, floor: float) -> Array:
    """Root of the mean square of max(x, floor) over 2x2 cells; odd sizes as in `haar`."""
    shape = (*x.shape[:2], *(ceil_div(size, 2) for size in x.shape[2:]))
    return x.trace.node(shape, "cell_rms", [x], bits(floor))


@cell_rms.torch
def _(x: Tensor, floor: float) -> Tensor:
    import torch.nn.functional as F

    from hpcmcodec.nn import torch_tools as tools

    bounded = tools.extend(x.clamp_min(floor), x.shape[2] + x.shape[2] % 2, x.shape[3] + x.shape[3] % 2)
    return F.avg_pool2d(bounded.square(), 2).sqrt()
