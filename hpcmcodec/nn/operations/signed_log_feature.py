"""Operation signed_log_feature (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import local
from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def signed_log_feature(v: Array, s0: Array) -> Array:
    """(N, C, H, W), s0 (N, C) -> (N, 2C, H, W): sign(v) m and m, with m = log1p(|v| / s0)."""
    return local(v, "signed_log_feature", operands=[s0], channels=2 * v.shape[1])


@signed_log_feature.torch
def _(v: Tensor, s0: Tensor) -> Tensor:
    import torch

    m = torch.log1p(v.abs() / s0[:, :, None, None])
    return torch.cat((v.sign() * m, m), 1)
