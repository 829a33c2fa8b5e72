"""How far decoded pixels are from the original: RGB PSNR, MS-SSIM, SSIMULACRA2. Pixels are uint8 (H, W, 3)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.ssimulacra2 import ssimulacra2 as ssimulacra2

Pixels = NDArray[np.uint8]
Planes = NDArray[Any]  # float32
MOST_DECIBELS = 99.0
"""For pictures without any difference, so that averages stay finite."""

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_TAPS, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
_WINDOW = np.exp(-((np.arange(_TAPS) - _TAPS // 2) ** 2) / (2 * _SIGMA**2))
_WINDOW = (_WINDOW / _WINDOW.sum()).astype(np.float32)
LEAST_SIDE = (_TAPS - 1) * 2 ** (len(_WEIGHTS) - 1) + 1
"""MS-SSIM needs pictures larger than the window at the coarsest scale: 161 pixels."""


def psnr(original: Pixels, decoded: Pixels) -> float:
    """Over all samples of the picture, in dB, at most MOST_DECIBELS."""
    error = float(np.mean(np.square(original.astype(np.float32) - decoded), dtype=np.float64))
    return MOST_DECIBELS if error == 0 else min(MOST_DECIBELS, 10 * math.log10(255**2 / error))


def ms_ssim(original: Pixels, decoded: Pixels) -> float | None:
    """Multi-scale structural similarity (Wang, Simoncelli, Bovik 2003), 0..1; None below LEAST_SIDE.

    As in most papers on learned compression: window of 11 taps, sigma 1.5, only where it lies within the picture; five
    scales, halved by averages of four; per channel of RGB, the mean over channels last; negative terms count as 0.
    """
    if min(original.shape[:2]) < LEAST_SIDE:
        return None
    x, y = (np.moveaxis(pixels, 2, 0).astype(np.float32) / np.float32(255) for pixels in (original, decoded))
    result = np.ones(len(x))
    for scale, weight in enumerate(_WEIGHTS):
        luminance, structure = _similarities(x, y)
        term = luminance * structure if scale == len(_WEIGHTS) - 1 else structure
        result *= np.maximum(term.mean((1, 2), dtype=np.float64), 0) ** weight
        x, y = _halve(x), _halve(y)
    return float(result.mean())


def decibels(similarity: float) -> float:
    """MS-SSIM on the scale on which it is drawn and compared: -10 log10(1 - similarity)."""
    return min(MOST_DECIBELS, -10 * math.log10(max(1 - similarity, 1e-12)))


def _similarities(x: Planes, y: Planes) -> tuple[Planes, Planes]:
    """Luminance and contrast-structure terms, (3, H - 10, W - 10)."""
    mx, my, xx, yy, xy = map(_blur, (x, y, x * x, y * y, x * y))
    luminance = (2 * mx * my + _C1) / (mx * mx + my * my + _C1)
    structure = (2 * (xy - mx * my) + _C2) / ((xx - mx * mx) + (yy - my * my) + _C2)
    return luminance, structure


def _blur(x: Planes) -> Planes:
    for axis in (1, 2):
        length = x.shape[axis] - _TAPS + 1
        parts = [x[:, k : k + length] if axis == 1 else x[:, :, k : k + length] for k in range(_TAPS)]
        x, product = parts[0] * _WINDOW[0], np.empty_like(parts[0])
        for part, weight in zip(parts[1:], _WINDOW[1:], strict=True):
            x += np.multiply(part, weight, out=product)
    return x


def _halve(x: Planes) -> Planes:
    """Averages of four; sides of odd length get a border of zeros first, as in the implementations of the papers."""
    x = np.pad(x, ((0, 0), *((side % 2, side % 2) for side in x.shape[1:])))
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / np.float32(4)
