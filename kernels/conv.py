"""Convolutions.

Every sum starts from the bias (or +0) and runs in index order (input channel, kernel row, kernel column) with fused
multiply-add; taps outside the input are skipped; +0.0 is added at the end, so that no result is -0.
Weights are finite (checked when a model is loaded). Wrong types, layouts, shapes or ranges raise ValueError.
"""

from __future__ import annotations

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._load import native


def conv1x1(x: Float32, w: Float32, b: Float32 | None) -> Float32:
    """Multiply every pixel by a matrix: x (C, H, W), w (O, C), b (O,) or None -> (O, H, W)."""
    return native().conv1x1(x, w, b)


def conv2d(x: Float32, w: Float32, b: Float32 | None, stride: int, padding: int) -> Float32:
    """Convolution: x (C, H, W), w (O, C, kh, kw), b (O,) or None -> (O, (H + 2*padding - kh) // stride + 1, ...).

    stride 1..255, padding 0 to below the kernel's size.
    """
    return native().conv2d(x, w, b, stride, padding)


def conv_transpose2d(x: Float32, w: Float32, b: Float32 | None, stride: int, padding: int) -> Float32:
    """Transposed convolution: x (C, H, W), w (C, O, kh, kw), b (O,) or None -> (O, (H-1)*stride - 2*padding + kh, ...).

    The taps that meet in one output are summed in the order (input channel, kernel row, kernel column).
    """
    return native().conv_transpose2d(x, w, b, stride, padding)


def depthwise(x: Float32, w: Float32, b: Float32 | None, padding: int) -> Float32:
    """Convolution of every channel with its own kernel, stride 1: x (C, H, W), w (C, kh, kw), b (C,) or None."""
    return native().depthwise(x, w, b, padding)


def pconv_rb(x: Float32, sw: Float32, sb: Float32, ew: Float32, eb: Float32, rw: Float32, rb: Float32) -> Float32:
    """Residual block with partial convolution (Chen et al., CVPR 2023), fused.

    x + conv1x1(leaky_relu(conv1x1(concat(conv3x3(x[:n1]), x[n1:]), ew, eb), 0.01), rw, rb) with x (n, H, W),
    sw (n1, n1, 3, 3), sb (n1,), ew (m, n), eb (m,), rw (n, m), rb (n,): the same bits as the operations one by one.
    """
    return native().pconv_rb(x, sw, sb, ew, eb, rw, rb)


def dwconv_rb(x: Float32, sw: Float32, sb: Float32, ew: Float32, eb: Float32, rw: Float32, rb: Float32) -> Float32:
    """Residual block with depthwise convolution, fused.

    x + conv1x1(leaky_relu(conv1x1(depthwise3x3(x), ew, eb), 0.01), rw, rb) with x (n, H, W), sw (n, 3, 3), sb (n,),
    ew (m, n), eb (m,), rw (n, m), rb (n,): the same bits as the operations one by one.
    """
    return native().dwconv_rb(x, sw, sb, ew, eb, rw, rb)
