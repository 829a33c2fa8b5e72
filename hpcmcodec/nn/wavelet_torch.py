"""Operations of the wavelet family on torch tensors."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

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


def extend(x: Tensor, rows: int, columns: int) -> Tensor:
    down, right = rows - x.shape[2], columns - x.shape[3]
    return F.pad(x, (0, right, 0, down), "replicate") if down or right else x


def cell_rms(x: Tensor, floor: float) -> Tensor:
    bounded = extend(x.clamp_min(floor), x.shape[2] + x.shape[2] % 2, x.shape[3] + x.shape[3] % 2)
    return F.avg_pool2d(bounded.square(), 2).sqrt()


def gather(x: Tensor, index: np.ndarray) -> Tensor:
    return x.flatten(1).index_select(1, _index(index, x))


def place(values: Tensor, index: np.ndarray, shape: tuple[int, int, int]) -> Tensor:
    out = values.new_zeros(len(values), int(np.prod(shape)))
    return out.index_copy(1, _index(index, values), values).reshape(len(values), *shape)


def pad(x: Tensor, rows: int, columns: int) -> Tensor:
    return F.pad(x, (0, columns - x.shape[3], 0, rows - x.shape[2]))


def constant(x: Tensor, values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(x.device, x.dtype)


def grouped(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2, groups=len(weight) // weight.shape[1])


def step_sizes(a: Tensor) -> Tensor:
    bounded = (a if a.dtype == torch.float64 else a.float()).clamp(-1, 1)
    smooth = bounded.exp2()
    number = (16 * bounded.detach().nan_to_num(-1)).round().long()
    steps = constant(bounded, STEPS)[number + 16]
    return steps + (smooth - smooth.detach())  # adds an exact zero


def _index(index: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(index).to(like.device)
