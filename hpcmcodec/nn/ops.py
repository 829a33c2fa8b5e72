"""The operations that networks are written in.

Each takes arrays (N, C, H, W), float32, and runs on the backend of its first argument: numpy arrays on the native
kernels (N = 1, normative arithmetic, formats/FORMAT.md), torch tensors on torch. Plain arithmetic (`+`, `*`, slicing)
needs no operation: it is one correctly rounded IEEE operation per element on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from .labels import Labels, Selection
from .module import Array
from .regrouping import Regrouping
from .sizes import AnySize

F = TypeVar("F", bound=Callable[..., Array])


def backend_of(x: Array) -> ModuleType:
    """The module that implements the operations for this kind of array."""
    if isinstance(x, np.ndarray):
        from . import native

        return native
    if type(x).__module__.partition(".")[0] == "torch":  # by its name: a bare tree has no kernels to import
        from . import torch_backend

        return torch_backend
    from . import tape, trace

    return tape if isinstance(x, tape.Taped) else trace


def _operation(declaration: F) -> F:
    name = declaration.__name__

    @wraps(declaration)
    def call(x: Array, *args: object, **kwargs: object) -> Array:
        first = x[0] if isinstance(x, list | tuple) else x
        return getattr(backend_of(first), name)(x, *args, **kwargs)

    return call  # type: ignore[return-value]


# ---------------------------------------------------------------------------------------------- convolutions
@_operation
def conv2d(x: Array, weight: Array, bias: Array | None, stride: int = 1, padding: int = 0) -> Array:
    """Convolution; weight (O, C, kh, kw), zero padding."""


@_operation
def matrix(x: Array, weight: Array) -> Array:
    """1x1 convolution without bias, weight (O, C, 1, 1), in float32 even where training reduces the precision of
    networks: for statistics, whose error goes into latents and pictures undiminished."""


@_operation
def conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: int, padding: int = 0) -> Array:
    """Transposed convolution; weight (C, O, k, k)."""


@_operation
def depthwise(x: Array, weight: Array, bias: Array | None, padding: int = 1) -> Array:
    """Convolution of every channel with its own kernel; weight (C, 1, k, k), stride 1."""


@_operation
def pconv_rb(x: Array, sw: Array, sb: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Array:
    """Partial-convolution residual block: x + reduce(leaky(expand(cat(conv3x3(x[:, :n1]), x[:, n1:])))).

    sw (n1, n1, 3, 3), ew (mn, n, 1, 1), rw (n, mn, 1, 1). HPCM (arXiv 2507.19125), `PConvRB`."""


@_operation
def dwconv_rb(x: Array, sw: Array, sb: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Array:
    """Depthwise residual block: x + reduce(leaky(expand(depthwise3x3(x)))). sw (n, 1, 3, 3). HPCM, `DWConvRB`."""


# ---------------------------------------------------------------------------------------------- attention, norms
@_operation
def window_attention(q: Array, k: Array, v: Array, window: int, heads: int) -> Array:
    """Softmax attention inside non-overlapping windows, aligned top left; the last ones are as small as the map makes
    them. Head a owns channels a*e .. a*e+e-1 with e = C / heads; scores are scaled by 1 / sqrt(e)."""


@_operation
def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Normalise over channels at every position."""


@_operation
def softmax(x: Array) -> Array:
    """Softmax over channels."""


# ---------------------------------------------------------------------------------------------- elementwise
@_operation
def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """x where x >= 0, else slope * x."""


@_operation
def exp(x: Array) -> Array:
    """e^x, any shape."""


@_operation
def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), any shape."""


@_operation
def scale_shift(x: Array, scale: Array, shift: Array) -> Array:
    """x * scale + shift, fused; scale and shift (N, C)."""


@_operation
def signed_log_feature(v: Array, s0: Array) -> Array:
    """(N, C, H, W), s0 (N, C) -> (N, 2C, H, W): sign(v) m and m, with m = log1p(|v| / s0)."""


@_operation
def as_float32(x: Array) -> Array:
    """Leave reduced precision (autocast in training); nothing to do on the native backend."""


@_operation
def stop_gradient(x: Array) -> Array:
    """The same values as constants for autograd."""


# ---------------------------------------------------------------------------------------------- regroupings
@_operation
def concat(parts: Sequence[Array]) -> Array:
    """Join along channels."""


@_operation
def pixel_shuffle(x: Array, factor: int) -> Array:
    """(N, C r r, H, W) -> (N, C, H r, W r); channel c r r + i r + j holds phase (i, j)."""


@_operation
def pixel_unshuffle(x: Array, factor: int) -> Array:
    """Inverse of pixel_shuffle."""


@_operation
def regroup(parts: Sequence[Array], rule: Regrouping) -> Array:
    """A periodic rearrangement of maps."""


@_operation
def select(maps: Sequence[Array], rule: Selection) -> Array:
    """The elements that a rule chooses, (N, K)."""


@_operation
def place(values: Array, rule: Selection, index: int, rows: AnySize, columns: AnySize) -> Array:
    """Inverse of `select` for its map `index`, of this size: values (N, K) at their places, 0 elsewhere."""


@_operation
def label_mask(
    like: Array,
    labels: Labels,
    channels: int,
    below: int,
    part: tuple[AnySize, AnySize],
    grid: tuple[AnySize, AnySize],
) -> Array:
    """(N, channels, *grid), an array of the kind of `like`: 1 where the label is below `below` and the position in the
    top left `part`, 0 elsewhere."""


@_operation
def fill(like: Array, channels: int, rows: AnySize, columns: AnySize, value: float) -> Array:
    """An array of the kind of `like`, every element `value`."""


@_operation
def crop(x: Array, rows: AnySize, columns: AnySize, top: AnySize = 0, left: AnySize = 0) -> Array:
    """The rectangle of this size from a row and a column on."""


@_operation
def extend(x: Array, rows: AnySize, columns: AnySize) -> Array:
    """The last row and column repeated up to this size."""


@_operation
def pad(x: Array, rows: AnySize, columns: AnySize) -> Array:
    """Zeros below and at the right up to this size."""


@_operation
def concat_columns(a: Array, b: Array) -> Array:
    """Two maps side by side."""


@_operation
def vector(parts: Sequence[Array]) -> Array:
    """Numbers (N,) as a vector (N, A)."""


# ---------------------------------------------------------------------------------------------- sums and bounds
@_operation
def cell_sum(x: Array, factor: int) -> Array:
    """Sums over factor x factor cells, row by row: (N, C, H, W) -> (N, C, H / factor, W / factor)."""


@_operation
def sum_channels(x: Array) -> Array:
    """(N, C, H, W) -> (N, 1, H, W), in the order of the channels."""


@_operation
def maximum(a: Array, b: Array | float) -> Array:
    """The larger of each two elements."""


# ---------------------------------------------------------------------------------------------- lite's own
@_operation
def blend_rows(weights: Array, rows: Array) -> Array:
    """weights (N, A), rows (A, C) -> (N, C)."""


@_operation
def lapped_filter(x: Array, p: Array) -> Array:
    """Apply p (16, 16) to the 8 + 8 samples around every inner border of 16x16 blocks, down columns, then along rows
    (time-domain pre-filter: Tran, Liang, Tu 2003)."""


@_operation
def wkv(k: Array, v: Array, w: Array, u: Array, rows: int, columns: int) -> Array:
    """Bidirectional linear attention in windows of rows x columns positions, clipped at the right and lower edge: k, v
    (N, C, H, W), decay w and bonus u (C,). A position counts exp(k - w (steps in raster order - 1)), itself
    exp(u + k)."""


# ---------------------------------------------------------------------------------------------- the memory bank
@_operation
def unit(x: Array) -> Array:
    """Every position's vector over its length, the squared length being at least 1e-12."""


@_operation
def pooled(x: Array) -> Array:
    """Mean over positions, (N, C, 1, 1)."""


@_operation
def recall(q: Array, keys: Sequence[Array], values: Sequence[Array], topk: int, temperature: float) -> Array:
    """At every position: the `topk` entries whose keys (N, D, H, W) have the largest dot product with q, the earlier of
    equals first; their values (N, V, H, W), weighted by the softmax of product / temperature. Queries and keys may be
    of one position for all."""


@_operation
def add_scaled(h: Array, gamma: Array, x: Array) -> Array:
    """h + gamma * x, fused; gamma (C,)."""


@_operation
def double(x: Array) -> Array:
    """(N, C, H, W) -> (N, C, 2H, 2W), every element four times."""


@_operation
def summarise(k: Array, v: Array, heads: int) -> Any:
    """What linear attention needs of keys and values (N, d, H, W): of every key channel its largest value (N, d), the
    mean of p = exp(k - largest) over positions (N, d), that of p * v for each value channel of its head
    (N, d, d / heads). A tuple of the three."""


@_operation
def join_summaries(first: tuple[Array, Array, Array], second: tuple[Array, Array, Array]) -> Any:
    """The summary of both sets of positions, each set with the same total weight."""


@_operation
def attend_summary(q: Array, summary: Any, heads: int) -> Array:
    """Attention of q (N, d, H, W), softmaxed over the channels of each head, over what is summarised: (N, d, H, W)."""


# ---------------------------------------------------------------------------------------------- Haar bands
@_operation
def haar(x: Array) -> Array:
    """Orthonormal Haar bands of 2x2 cells, (N, C, H, W) -> LL, LH, HL, HH (N, 4C, ceil(H/2), ceil(W/2)): additions and
    halves only. Odd sizes: the last row or column is repeated."""


@_operation
def inverse_haar(bands: Array) -> Array:
    """Inverse of `haar` for even sizes: (N, 4C, H, W) -> (N, C, 2H, 2W)."""


@_operation
def cell_rms(x: Array, floor: float) -> Array:
    """Root of the mean square of max(x, floor) over 2x2 cells; odd sizes as in `haar`."""


@_operation
def grouped(x: Array, weight: Array, bias: Array) -> Array:
    """Convolution in groups of k inputs and k outputs, weight (C, k, n, n), stride 1, size kept."""


@_operation
def step_sizes(a: Array) -> Array:
    """2^a for a in -1..1, at the nearest of 33 recorded values, at the nearest end beyond; gradient as without
    rounding."""
