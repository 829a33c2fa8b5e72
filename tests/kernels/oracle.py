"""The normative sums written as plain loops over one output at a time, with the kernels' own fma (tested by itself)."""

from __future__ import annotations

import numpy as np

from hpcmcodec import kernels

ZERO = np.float32(0)


def fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Broadcasting a * b + c, rounded once."""
    arrays = [np.ascontiguousarray(v, dtype=np.float32) for v in np.broadcast_arrays(a, b, c)]
    return kernels.fma(*arrays)


def conv2d(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, stride: int, padding: int) -> np.ndarray:
    """Taps outside the input are skipped, as the format says."""
    outputs, channels, kh, kw = w.shape
    height = (x.shape[1] + 2 * padding - kh) // stride + 1
    width = (x.shape[2] + 2 * padding - kw) // stride + 1
    out = np.zeros((outputs, height, width), np.float32)
    for y in range(height):
        for column in range(width):
            acc = np.zeros(outputs, np.float32) if b is None else b.copy()
            for c in range(channels):
                for i in range(kh):
                    for j in range(kw):
                        row, col = y * stride - padding + i, column * stride - padding + j
                        if 0 <= row < x.shape[1] and 0 <= col < x.shape[2]:
                            acc = fma(w[:, c, i, j], x[c, row, col], acc)
            out[:, y, column] = acc + ZERO
    return out


def conv_transpose2d(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, stride: int, padding: int) -> np.ndarray:
    channels, outputs, kh, kw = w.shape
    height = (x.shape[1] - 1) * stride - 2 * padding + kh
    width = (x.shape[2] - 1) * stride - 2 * padding + kw
    out = np.zeros((outputs, height, width), np.float32)
    for y in range(height):
        for column in range(width):
            acc = np.zeros(outputs, np.float32) if b is None else b.copy()
            for c in range(channels):
                for i in range(kh):
                    for j in range(kw):
                        row, row_odd = divmod(y + padding - i, stride)
                        col, col_odd = divmod(column + padding - j, stride)
                        if not row_odd and not col_odd and 0 <= row < x.shape[1] and 0 <= col < x.shape[2]:
                            acc = fma(w[c, :, i, j], x[c, row, col], acc)
            out[:, y, column] = acc + ZERO
    return out


def depthwise(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, padding: int) -> np.ndarray:
    parts = [
        conv2d(x[c : c + 1], w[c : c + 1, None], None if b is None else b[c : c + 1], 1, padding)
        for c in range(x.shape[0])
    ]
    return np.concatenate(parts)


def leaky_relu(x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    return np.where(x > 0, x, x * np.float32(slope))


def residual(x: np.ndarray, spatial: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    ew, eb, rw, rb = weights
    hidden = leaky_relu(conv2d(spatial, ew[:, :, None, None], eb, 1, 0))
    return x + conv2d(hidden, rw[:, :, None, None], rb, 1, 0)


def lapped_filter(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    out = x.copy()
    for axis in (1, 2):
        view = np.moveaxis(out, axis, 0)
        for start in range(8, view.shape[0] - 16, 16):
            block = view[start : start + 16].copy()
            for i in range(16):
                acc = np.zeros(block.shape[1:], np.float32)
                for j in range(16):
                    acc = fma(p[i, j], block[j], acc)
                view[start + i] = acc + ZERO
    return out
