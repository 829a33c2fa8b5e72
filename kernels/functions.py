"""Transcendental functions, normalisations, attention, the scale index and the Haar transform.

The formulas, their order and their coefficients are part of the format (formats/FORMAT.md). exp, log, log1p, sqrt, tanh
and sigmoid are total: arguments beyond the stated range are clamped to it, and NaN gives a stated number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._load import native


def exp(x: Float32) -> Float32:
    """e^x of an array of any shape: +0 below -86 and for NaN, e^88 above 88. Error below 1.01 ulp."""
    return native().exp(x)


def sigmoid(x: Float32) -> Float32:
    """1 / (1 + e^-x) of an array of any shape. NaN gives 0."""
    return native().sigmoid(x)


def tanh(x: Float32) -> Float32:
    """Hyperbolic tangent of an array of any shape. NaN gives 1."""
    return native().tanh(x)


def log(x: Float32) -> Float32:
    """Natural logarithm of an array of any shape, x clamped to 2^-126 (also NaN) .. the largest float."""
    return native().log(x)


def log1p(x: Float32) -> Float32:
    """log(1 + x) of an array of any shape, x clamped to 0 (also NaN) .. 2^100."""
    return native().log1p(x)


def sqrt(x: Float32) -> Float32:
    """Correctly rounded square root of an array of any shape; 0 where x is not above 0."""
    return native().sqrt(x)


def signed_log_feature(v: Float32, s0: Float32) -> Float32:
    """v (C, H, W), s0 (C,) positive -> (2C, H, W): m with the sign of v, then m = log1p(|v| / s0)."""
    return native().signed_log_feature(v, s0)


def softmax(x: Float32) -> Float32:
    """exp(x - max) / sum of exp(x - max) over the channels of x (C, H, W)."""
    return native().softmax(x)


def layer_norm(x: Float32, weight: Float32, bias: Float32, eps: float) -> Float32:
    """Each pixel of x (C, H, W) to mean 0 and variance 1 over channels, then times weight (C,) plus bias (C,)."""
    return native().layer_norm(x, weight, bias, eps)


def window_attention(q: Float32, k: Float32, v: Float32, window: int, heads: int) -> Float32:
    """Attention inside window x window squares from the top left, clipped at the right and lower edge: q, k, v
    (d, H, W) -> (d, H, W); heads divide d.

    Arithmetic of HPCM's cross attention cell (arXiv 2507.19125) without its projections.
    """
    return native().window_attention(q, k, v, window, heads)


def scale_index(scale: Float32, thresholds: Float32) -> npt.NDArray[np.uint16]:
    """Number of thresholds (K,), rising, strictly below each scale (any shape). ValueError if a scale is NaN."""
    return native().scale_index(scale, thresholds)


def haar_dwt(x: Float32) -> Float32:
    """x (C, H, W) -> (4C, ceil(H/2), ceil(W/2)): bands LL, LH, HL, HH; an odd last row or column is repeated."""
    return native().haar_dwt(x)


def haar_idwt(bands: Float32) -> Float32:
    """Inverse of haar_dwt for even sizes: bands (4C, H, W) -> (C, 2H, 2W)."""
    return native().haar_idwt(bands)
