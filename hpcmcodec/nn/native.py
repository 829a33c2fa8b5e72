"""The operations of `ops` on numpy arrays through the C++ kernels: normative arithmetic, the same bits everywhere.

The batch axis has length 1 and is dropped at this boundary: kernels see planar (C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcmcodec import kernels

from .geometry_native import cell_sum as cell_sum
from .geometry_native import concat_columns as concat_columns
from .geometry_native import crop as crop
from .geometry_native import extend as extend
from .geometry_native import fill as fill
from .geometry_native import label_mask as label_mask
from .geometry_native import maximum as maximum
from .geometry_native import pad as pad
from .geometry_native import place as place
from .geometry_native import regroup as regroup
from .geometry_native import select as select
from .geometry_native import sum_channels as sum_channels
from .geometry_native import vector as vector
from .memory_native import add_scaled as add_scaled
from .memory_native import attend_summary as attend_summary
from .memory_native import double as double
from .memory_native import join_summaries as join_summaries
from .memory_native import pooled as pooled
from .memory_native import recall as recall
from .memory_native import summarise as summarise
from .memory_native import unit as unit
from .wavelet_native import cell_rms as cell_rms
from .wavelet_native import grouped as grouped
from .wavelet_native import haar as haar
from .wavelet_native import inverse_haar as inverse_haar
from .wavelet_native import step_sizes as step_sizes

Array = np.ndarray


def _planar(x: Array) -> Array:
    if x.ndim != 4 or x.shape[0] != 1:
        raise ValueError(f"the native backend takes arrays of shape (1, C, H, W), not {x.shape}")
    planes = x[0]
    if planes.flags.c_contiguous or planes.strides[2] != planes.itemsize or not planes.size:
        return np.ascontiguousarray(planes)
    return kernels.join_rows([planes])  # copied on all threads


def _matrix(weight: Array) -> Array:
    return weight.reshape(weight.shape[0], weight.shape[1])


def conv2d(x: Array, weight: Array, bias: Array | None, stride: int = 1, padding: int = 0) -> Array:
    if weight.shape[2:] == (1, 1) and stride == 1 and padding == 0:
        return kernels.conv1x1(_planar(x), _matrix(weight), bias)[None]
    return kernels.conv2d(_planar(x), weight, bias, stride, padding)[None]


def matrix(x: Array, weight: Array) -> Array:
    return conv2d(x, weight, None)


def conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: int, padding: int = 0) -> Array:
    return kernels.conv_transpose2d(_planar(x), weight, bias, stride, padding)[None]


def depthwise(x: Array, weight: Array, bias: Array | None, padding: int = 1) -> Array:
    return kernels.depthwise(_planar(x), weight[:, 0], bias, padding)[None]


def pconv_rb(x: Array, sw: Array, sb: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Array:
    return kernels.pconv_rb(_planar(x), sw, sb, _matrix(ew), eb, _matrix(rw), rb)[None]


def dwconv_rb(x: Array, sw: Array, sb: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Array:
    return kernels.dwconv_rb(_planar(x), sw[:, 0], sb, _matrix(ew), eb, _matrix(rw), rb)[None]


def window_attention(q: Array, k: Array, v: Array, window: int, heads: int) -> Array:
    return kernels.window_attention(_planar(q), _planar(k), _planar(v), window, heads)[None]


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    return kernels.layer_norm(_planar(x), weight, bias, eps)[None]


def wkv(k: Array, v: Array, w: Array, u: Array, rows: int, columns: int) -> Array:
    w, u = np.ascontiguousarray(w), np.ascontiguousarray(u)
    return kernels.wkv_windows(w, u, _planar(k), _planar(v), rows, columns)[None]


def softmax(x: Array) -> Array:
    return kernels.softmax(_planar(x))[None]


def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    return kernels.leaky_relu(np.ascontiguousarray(x), slope)


def exp(x: Array) -> Array:
    return kernels.exp(np.ascontiguousarray(x))


def sigmoid(x: Array) -> Array:
    return kernels.sigmoid(np.ascontiguousarray(x))


def scale_shift(x: Array, scale: Array, shift: Array) -> Array:
    return kernels.scale_shift(_planar(x), np.ascontiguousarray(scale[0]), np.ascontiguousarray(shift[0]))[None]


def signed_log_feature(v: Array, s0: Array) -> Array:
    return kernels.signed_log_feature(_planar(v), np.ascontiguousarray(s0[0]))[None]


def as_float32(x: Array) -> Array:
    return x


def stop_gradient(x: Array) -> Array:
    return x


def concat(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts, axis=1)


def add(a: Array, b: Array) -> Array:
    """a + b, on all threads where both are whole arrays."""
    whole = np.shape(a) == np.shape(b) and a.flags.c_contiguous and b.flags.c_contiguous
    return kernels.add(a, b) if whole else a + b


def join_rows(parts: Sequence[Array]) -> Array:
    """Arrays (1, C, H, W), slices of others too, one under another in one piece."""
    return kernels.join_rows([part[0] for part in parts])[None]


def pixel_shuffle(x: Array, factor: int) -> Array:
    return kernels.pixel_shuffle(_planar(x), factor)[None]


def pixel_unshuffle(x: Array, factor: int) -> Array:
    return kernels.pixel_unshuffle(_planar(x), factor)[None]


def blend_rows(weights: Array, rows: Array) -> Array:
    return kernels.blend_rows(np.ascontiguousarray(weights[0]), rows)[None]


def lapped_filter(x: Array, p: Array) -> Array:
    return kernels.lapped_filter(_planar(x), p)[None]
