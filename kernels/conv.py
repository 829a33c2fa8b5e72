"""Convolutions.

Every sum starts from the bias (or +0) and runs in index order (input channel, kernel row, kernel column) with fused
multiply-add; +0.0 is added at the end.
"""

from __future__ import annotations

from hpcmcodec.kernels._load import Float32, native


def conv1x1(x: Float32, w: Float32, b: Float32 | None) -> Float32:
    """Multiply every pixel by a matrix: x (C, H, W), w (O, C), b (O,) or None -> (O, H, W)."""
    return native().conv1x1(x, w, b)
