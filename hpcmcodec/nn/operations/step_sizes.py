"""Operation step_sizes (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.step_table import STEPS

if TYPE_CHECKING:
    from torch import Tensor


@operation
def step_sizes(a: Array) -> Array:
    """2^a for a in -1..1, at the nearest of 33 recorded values, at the nearest end beyond; gradient as without
    rounding."""
    return local(a, "step_sizes")


@step_sizes.torch
def _(a: Tensor) -> Tensor:
    import torch

    bounded = (a if a.dtype == torch.float64 else a.float()).clamp(-1, 1)
    smooth = bounded.exp2()
    number = (16 * bounded.detach().nan_to_num(-1)).round().long()
    steps = torch.from_numpy(STEPS).to(bounded)[number + 16]
    return steps + (smooth - smooth.detach())  # adds an exact zero
