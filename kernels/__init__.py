"""Operations with normative arithmetic: the same bits on every machine (formats/FORMAT.md).

Arrays are float32, C-contiguous and planar (channels, height, width), without a batch axis; results are new arrays.
Wrong types, layouts or sizes raise ValueError. Every function runs at the SIMD level and on the number of threads that
``set_simd_level`` and ``set_threads`` (or HPCM_SIMD and HPCM_THREADS) say; results never depend on either.

Without the compiled extension this module imports, and its functions raise NoKernelsError when called.
"""

from __future__ import annotations

from hpcmcodec.kernels.bank import join_summaries, recall, summarise, unit
from hpcmcodec.kernels.conv import conv1x1, conv2d, conv_transpose2d, depthwise, dwconv_rb, pconv_rb
from hpcmcodec.kernels.elementwise import (
    add,
    blend_rows,
    fma,
    join_rows,
    lapped_filter,
    leaky_relu,
    multiply_channels,
    pixel_shuffle,
    pixel_unshuffle,
    round_pixels,
    scale_shift,
)
from hpcmcodec.kernels.entropy import (
    RansDecoder,
    TableSet,
    rans_encode,
    rdo_quantise,
    symbol_bits,
    trellis_quantise,
)
from hpcmcodec.kernels.functions import (
    exp,
    haar_dwt,
    haar_idwt,
    layer_norm,
    log,
    log1p,
    scale_index,
    sigmoid,
    signed_log_feature,
    softmax,
    sqrt,
    tanh,
    window_attention,
)
from hpcmcodec.kernels.runtime import (
    available_levels,
    compiler,
    fp_environment,
    get_threads,
    map_large_blocks,
    multiply_add_rate,
    self_test,
    set_simd_level,
    set_threads,
    simd_level,
)
from hpcmcodec.kernels.wkv import wkv, wkv_backward, wkv_windows

__all__ = [
    "RansDecoder",
    "TableSet",
    "add",
    "available_levels",
    "blend_rows",
    "compiler",
    "conv1x1",
    "conv2d",
    "conv_transpose2d",
    "depthwise",
    "dwconv_rb",
    "exp",
    "fma",
    "fp_environment",
    "get_threads",
    "haar_dwt",
    "haar_idwt",
    "join_rows",
    "join_summaries",
    "lapped_filter",
    "layer_norm",
    "leaky_relu",
    "log",
    "log1p",
    "map_large_blocks",
    "multiply_add_rate",
    "multiply_channels",
    "pconv_rb",
    "pixel_shuffle",
    "pixel_unshuffle",
    "rans_encode",
    "rdo_quantise",
    "recall",
    "round_pixels",
    "scale_index",
    "scale_shift",
    "self_test",
    "set_simd_level",
    "set_threads",
    "sigmoid",
    "signed_log_feature",
    "simd_level",
    "softmax",
    "sqrt",
    "summarise",
    "symbol_bits",
    "tanh",
    "trellis_quantise",
    "unit",
    "window_attention",
    "wkv",
    "wkv_backward",
    "wkv_windows",
]
