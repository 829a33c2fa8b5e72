"""Multi-scale structural similarity (Wang, Simoncelli, Bovik 2003), differentiable."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first."""
WINDOW, SIGMA = 11, 1.5
LEAST_SIDE = (WINDOW - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""Pictures must be larger than the window at the coarsest scale: 161 pixels."""
_C1, _C2 = 0.01**2, 0.03**2
_LEAST = 1e-6  # similarities may be negative, and a power near zero has no finite slope


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Similarity (N,) of pictures (N, C, H, W) with values in 0..1, sides of at least LEAST_SIDE; 1 if they are equal.

    Gaussian window of 11 taps, only where it lies within the picture; the product over scales is taken per channel, the
    mean over channels last.
    """
    with torch.autocast(x.device.type, enabled=False):
        return _ms_ssim(x, y)


def _ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    result = torch.ones((), device=x.device)
    kernel = _gaussian(x.device)
    for scale, weight in enumerate(WEIGHTS):
        luminance, structure = _similarities(x, y, kernel)
        last = scale == len(WEIGHTS) - 1
        result = result * (luminance * structure if last else structure).mean((2, 3)).clamp_min(_LEAST) ** weight
        x, y = (F.avg_pool2d(v, 2, padding=[side % 2 for side in v.shape[2:]]) for v in (x, y))
    return result.mean(1)


def _gaussian(device: torch.device) -> Tensor:
    place = torch.arange(WINDOW, device=device, dtype=torch.float32) - WINDOW // 2
    weights = torch.exp(-(place**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def _similarities(x: Tensor, y: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure terms, (N, C, H - 10, W - 10)."""
    n = x.shape[1]
    moments = torch.cat((x, y, x * x, y * y, x * y), 1)
    weight = kernel.to(x.dtype).expand(5 * n, 1, 1, -1)
    blurred = F.conv2d(F.conv2d(moments, weight, groups=5 * n), weight.transpose(2, 3), groups=5 * n)
    mx, my, xx, yy, xy = blurred.split(n, 1)
    luminance = (2 * mx * my + _C1) / (mx * mx + my * my + _C1)
    structure = (2 * (xy - mx * my) + _C2) / ((xx - mx * mx) + (yy - my * my) + _C2)
    return luminance, structure
