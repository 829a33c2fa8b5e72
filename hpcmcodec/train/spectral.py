"""Spectral truncation of training pictures or latents: a curriculum from smooth to full detail.

After "Taming Hierarchical Image Coding Optimization" (Cong et al., ICLR 2026), with a mask that ends at the identity:
the published cone still attenuates at its end, and the next step sees another picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Truncation:
    """`--spectral-reg`: the cut-off rises from `first` to `last` over `steps` steps. `target` "image": of the crop,
    as the network's input and as the distortion's target; "latent": of y before it is rounded."""

    first: float
    last: float
    steps: int
    target: str

    def tau(self, step: int) -> float:
        """The cut-off at a step (from 0), 1: none."""
        return min(1.0, self.first + (self.last - self.first) * min(1.0, step / self.steps))

    def mask(self, x: Tensor, step: int) -> Tensor | None:
        """What `truncate` multiplies the spectrum of x (N, C, H, W) by at a step; None once nothing is cut."""
        tau = self.tau(step)
        return None if tau >= 1 else mask(x.shape[2], x.shape[3], tau).to(x.device)


def truncate(x: Tensor, mask: Tensor) -> Tensor:
    """x (N, C, H, W) with its discrete cosine transform multiplied by mask (H, W). Linear, symmetric, contracting."""
    with torch.autocast(x.device.type, enabled=False):
        rows, columns = (dct_matrix(side).to(x) for side in x.shape[2:])
        return rows.t() @ (mask.to(x) * (rows @ x @ columns.t())) @ columns


@lru_cache(maxsize=16)
def dct_matrix(n: int) -> Tensor:
    """Orthonormal DCT-II (n, n), rows are frequencies; float64, since the arguments of the cosine get large."""
    k = torch.arange(n, dtype=torch.float64)
    matrix = torch.cos(math.pi * k[:, None] * (2 * k + 1) / (2 * n)) * math.sqrt(2 / n)
    matrix[0] /= math.sqrt(2)
    return matrix


def mask(height: int, width: int, tau: float) -> Tensor:
    """(height, width) float64: 1 up to the radius tau^2, then a straight ramp to 0 at tau; all ones for tau = 1.

    The radius is sqrt((u / H)^2 + (v / W)^2) / sqrt(2), in 0..1. No coefficient ever falls as tau rises.
    """
    if tau >= 1:
        return torch.ones(height, width, dtype=torch.float64)
    u, v = (torch.arange(n, dtype=torch.float64) / n for n in (height, width))
    radius = (u[:, None].square() + v.square()).sqrt() / math.sqrt(2)
    return ((tau - radius) / (tau * (1 - tau))).clamp(0, 1)
