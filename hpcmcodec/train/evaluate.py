"""Validation: the yardstick by likelihood bits, over a folder's pictures and five qualities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hpcmcodec.errors import InputError
from hpcmcodec.nn.module import Module

from .data import find_pictures, quiet, read_picture
from .loss import rate_distortion

if TYPE_CHECKING:
    from .expected import Quantiser

QUALITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
COUNT, SIZE = 16, 256


@dataclass(frozen=True)
class Point:
    """Means over the pictures at one quality. Bits are likelihoods: real files are a few tenths of a percent larger."""

    quality: float
    bpp: float
    psnr: float
    yardstick: float


def validation_crops(folder: Path, count: int = COUNT, size: int = SIZE) -> torch.Tensor:
    """(N, 3, size, size) uint8: centres of the first `count` pictures. Raises InputError if none is large enough."""
    crops: list[np.ndarray] = []
    for path in find_pictures(folder):
        with quiet():
            picture = read_picture(path)
        if picture is not None and min(picture.shape[:2]) >= size:
            y, x = ((n - size) // 2 for n in picture.shape[:2])
            crops.append(picture[y : y + size, x : x + size].transpose(2, 0, 1))
        if len(crops) == count:
            break
    if not crops:
        raise InputError(f"no picture in {folder} can be read and is {size}x{size} pixels or larger")
    return torch.from_numpy(np.stack(crops))


@torch.no_grad()
def evaluate(
    network: Module,
    crops: torch.Tensor,
    *,
    rdo: float,
    qualities: Sequence[float] = QUALITIES,
    metric: str = "mse",
    quantiser: Quantiser | None = None,
) -> list[Point]:
    """A point per quality; crops (N, 3, H, W) uint8 on the network's device."""
    return [_point(network, crops, quality, rdo, metric, quantiser) for quality in qualities]


def _point(
    network: Module, crops: torch.Tensor, quality: float, rdo: float, metric: str, quantiser: Quantiser | None
) -> Point:
    parts = []
    for x in crops.split(8):
        picture = x.float() / 255
        wanted = torch.full((len(x),), quality, device=x.device)
        outcome = rate_distortion(network, picture, wanted, rdo=rdo, metric=metric, quantiser=quantiser)
        psnr = -10 * torch.log10(outcome.mse.clamp_min(1e-10))
        parts.append(torch.stack((outcome.bpp, psnr, outcome.yardstick)))
    bpp, mean_psnr, yard = torch.cat(parts, 1).double().mean(1).tolist()
    return Point(quality, bpp, mean_psnr, yard)


def summary(points: list[Point]) -> dict[str, Any]:
    """JSON-ready: the mean yardstick and the points."""
    mean = sum(p.yardstick for p in points) / len(points)
    return {"yardstick": _short(mean), "points": [{k: _short(v) for k, v in asdict(p).items()} for p in points]}


def _short(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None
