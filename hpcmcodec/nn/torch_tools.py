"""What the torch definitions of several operations share."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Within autocast: not here. The meta device, on which shapes are counted, knows no autocast."""
    known = torch.amp.is_autocast_available(x.device.type)
    return torch.autocast(x.device.type, enabled=False) if known else nullcontext()


def wide(x: Tensor) -> Tensor:
    """In float32 where training reduces the precision of networks."""
    return x if x.dtype == torch.float64 else x.float()


def residual(x: Tensor, mixed: Tensor, ew: Tensor, eb: Tensor, rw: Tensor, rb: Tensor) -> Tensor:
    """x and, of what was mixed in space, expansion, LeakyReLU, reduction; in place, as training waits for memory."""
    branch = F.conv2d(F.leaky_relu(F.conv2d(mixed, ew, eb), 0.01, inplace=True), rw, rb)
    return branch.add_(x) if branch.dtype == x.dtype else x + branch


def butterfly(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """LL, LH, HL, HH of a cell [a b; c d], or the cell of its bands: the transform is its own inverse."""
    top, bottom, upper, lower = a + b, c + d, a - b, c - d
    return (top + bottom) * 0.5, (top - bottom) * 0.5, (upper + lower) * 0.5, (upper - lower) * 0.5


def extend(x: Tensor, rows: int, columns: int) -> Tensor:
    """The last row and column repeated up to this size."""
    down, right = rows - x.shape[2], columns - x.shape[3]
    return F.pad(x, (0, right, 0, down), "replicate") if down or right else x


def index(index: np.ndarray, like: Tensor) -> Tensor:
    """Places as a tensor beside another one."""
    return torch.tensor(index, device=like.device)
