"""Bidirectional WKV: the linear attention of RWKV, over tokens before and after (formats/FORMAT.md section 9.3).

Token t of a channel gets a weighted mean of all v: token i counts exp(k_i - w (|t - i| - 1)), the token itself
exp(u + k_t). The cost grows linearly with the tokens. Wrong types, layouts or shapes raise ValueError.
"""

from __future__ import annotations

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._load import native


def wkv(w: Float32, u: Float32, k: Float32, v: Float32) -> Float32:
    """Sequences: decay w (C,) per token, bonus u (C,), k, v (B, T, C) -> (B, T, C). k is finite, of any size."""
    return native().wkv(w, u, k, v)


def wkv_backward(
    w: Float32, u: Float32, k: Float32, v: Float32, gy: Float32
) -> tuple[Float32, Float32, Float32, Float32]:
    """The gradients of w, u, k and v from those of the output of `wkv`, gy (B, T, C). Every sum has one order: the same
    bits in every run."""
    return native().wkv_backward(w, u, k, v, gy)


def wkv_windows(w: Float32, u: Float32, k: Float32, v: Float32, rows: int, columns: int) -> Float32:
    """Planes k, v (C, H, W) -> (C, H, W): each window of rows x columns positions, aligned top left and clipped at the
    right and lower edge, is one sequence in raster order. (1, W) makes one of every row, (H, 1) of every column."""
    return native().wkv_windows(w, u, k, v, rows, columns)
