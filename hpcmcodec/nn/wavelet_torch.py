"""Operations of the wavelet family on torch tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry_torch import extend
from .step_table import STEPS


def haar(x: Tensor) -> Tensor:
    x = extend(x, x.shape[2] + x.shape[2] % 2, x.shape[3] + x.shape[3] % 2)
    a, b, c, d = x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 0::2], x[..., 1::2, 1::2]
    return torch.cat(_butterfly(a, b, c, d), 1)


def inverse_haar(bands: Tensor) -> Tensor:
    a, b, c, d = _butterfly(*bands.chunk(4, 1))
    rows = torch.stack((torch.stack((a, b), -1), torch.stack((c, d), -1)), -3)  # (N, C, h, 2, w, 2)
    n, channels, h, _, w, _ = rows.shape
    return rows.reshape(n, channels, 2 * h, 2 * w)


def _butterfly(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """LL, LH, HL, HH of a cell [a b; c d], or the cell of its bands: the transform is its own inverse."""
    top, bottom, upper, lower = a + b, c + d, a - b, c - d
    return (top + bottom) * 0.5, (top - bottom) * 0.5, (upper + lower) * 0.5, (upper - lower) * 0.5


def cell_rms(x: Tensor, floor: float) -> Tensor:
    bounded = extend(x.clamp_min(floor), x.shape[2] + x.shape[2] % 2, x.shape[3] + x.shape[3] % 2)
    return F.avg_pool2d(bounded.square(), 2).sqrt()


def grouped(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2, groups=len(weight) // weight.shape[1])


def step_sizes(a: Tensor) -> Tensor:
    bounded = (a if a.dtype == torch.float64 else a.float()).clamp(-1, 1)
    smooth = bounded.exp2()
    number = (16 * bounded.detach().nan_to_num(-1)).round().long()
    steps = torch.from_numpy(STEPS).to(bounded)[number + 16]
    return steps + (smooth - smooth.detach())  # adds an exact zero
