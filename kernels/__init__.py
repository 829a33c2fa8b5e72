"""Operations with normative arithmetic: the same bits on every machine (formats/FORMAT.md).

Arrays are float32, C-contiguous and planar (channels, height, width), without a batch axis; results are new arrays.
Wrong types, layouts or sizes raise ValueError. Every function runs at the SIMD level and on the number of threads that
``set_simd_level`` and ``set_threads`` (or HPCM_SIMD and HPCM_THREADS) say; results never depend on either.

Everything is imported at first use: decoding of whole files (`decode`) needs no numpy. Without the compiled extension
this module imports, and its functions raise NoKernelsError when called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpcmcodec.kernels.bank import join_summaries as join_summaries
    from hpcmcodec.kernels.bank import recall as recall
    from hpcmcodec.kernels.bank import summarise as summarise
    from hpcmcodec.kernels.bank import unit as unit
    from hpcmcodec.kernels.conv import conv1x1 as conv1x1
    from hpcmcodec.kernels.conv import conv2d as conv2d
    from hpcmcodec.kernels.conv import conv_transpose2d as conv_transpose2d
    from hpcmcodec.kernels.conv import depthwise as depthwise
    from hpcmcodec.kernels.conv import dwconv_rb as dwconv_rb
    from hpcmcodec.kernels.conv import pconv_rb as pconv_rb
    from hpcmcodec.kernels.elementwise import add as add
    from hpcmcodec.kernels.elementwise import blend_rows as blend_rows
    from hpcmcodec.kernels.elementwise import fma as fma
    from hpcmcodec.kernels.elementwise import join_rows as join_rows
    from hpcmcodec.kernels.elementwise import lapped_filter as lapped_filter
    from hpcmcodec.kernels.elementwise import leaky_relu as leaky_relu
    from hpcmcodec.kernels.elementwise import multiply_channels as multiply_channels
    from hpcmcodec.kernels.elementwise import pixel_shuffle as pixel_shuffle
    from hpcmcodec.kernels.elementwise import pixel_unshuffle as pixel_unshuffle
    from hpcmcodec.kernels.elementwise import round_pixels as round_pixels
    from hpcmcodec.kernels.elementwise import scale_shift as scale_shift
    from hpcmcodec.kernels.entropy import RansDecoder as RansDecoder
    from hpcmcodec.kernels.entropy import TableSet as TableSet
    from hpcmcodec.kernels.entropy import rans_encode as rans_encode
    from hpcmcodec.kernels.entropy import rdo_quantise as rdo_quantise
    from hpcmcodec.kernels.entropy import symbol_bits as symbol_bits
    from hpcmcodec.kernels.entropy import trellis_quantise as trellis_quantise
    from hpcmcodec.kernels.functions import exp as exp
    from hpcmcodec.kernels.functions import haar_dwt as haar_dwt
    from hpcmcodec.kernels.functions import haar_idwt as haar_idwt
    from hpcmcodec.kernels.functions import layer_norm as layer_norm
    from hpcmcodec.kernels.functions import log as log
    from hpcmcodec.kernels.functions import log1p as log1p
    from hpcmcodec.kernels.functions import scale_index as scale_index
    from hpcmcodec.kernels.functions import sigmoid as sigmoid
    from hpcmcodec.kernels.functions import signed_log_feature as signed_log_feature
    from hpcmcodec.kernels.functions import softmax as softmax
    from hpcmcodec.kernels.functions import sqrt as sqrt
    from hpcmcodec.kernels.functions import tanh as tanh
    from hpcmcodec.kernels.functions import window_attention as window_attention
    from hpcmcodec.kernels.runtime import available_levels as available_levels
    from hpcmcodec.kernels.runtime import compiler as compiler
    from hpcmcodec.kernels.runtime import fp_environment as fp_environment
    from hpcmcodec.kernels.runtime import get_threads as get_threads
    from hpcmcodec.kernels.runtime import map_large_blocks as map_large_blocks
    from hpcmcodec.kernels.runtime import multiply_add_rate as multiply_add_rate
    from hpcmcodec.kernels.runtime import self_test as self_test
    from hpcmcodec.kernels.runtime import set_simd_level as set_simd_level
    from hpcmcodec.kernels.runtime import set_threads as set_threads
    from hpcmcodec.kernels.runtime import simd_level as simd_level
    from hpcmcodec.kernels.scan import wkv as wkv
    from hpcmcodec.kernels.scan import wkv_backward as wkv_backward
    from hpcmcodec.kernels.scan import wkv_windows as wkv_windows

_HOMES = {
    "RansDecoder": "entropy",
    "TableSet": "entropy",
    "add": "elementwise",
    "available_levels": "runtime",
    "blend_rows": "elementwise",
    "compiler": "runtime",
    "conv1x1": "conv",
    "conv2d": "conv",
    "conv_transpose2d": "conv",
    "depthwise": "conv",
    "dwconv_rb": "conv",
    "exp": "functions",
    "fma": "elementwise",
    "fp_environment": "runtime",
    "get_threads": "runtime",
    "haar_dwt": "functions",
    "haar_idwt": "functions",
    "join_rows": "elementwise",
    "join_summaries": "bank",
    "lapped_filter": "elementwise",
    "layer_norm": "functions",
    "leaky_relu": "elementwise",
    "log": "functions",
    "log1p": "functions",
    "map_large_blocks": "runtime",
    "multiply_add_rate": "runtime",
    "multiply_channels": "elementwise",
    "pconv_rb": "conv",
    "pixel_shuffle": "elementwise",
    "pixel_unshuffle": "elementwise",
    "rans_encode": "entropy",
    "rdo_quantise": "entropy",
    "recall": "bank",
    "round_pixels": "elementwise",
    "scale_index": "functions",
    "scale_shift": "elementwise",
    "self_test": "runtime",
    "set_simd_level": "runtime",
    "set_threads": "runtime",
    "sigmoid": "functions",
    "signed_log_feature": "functions",
    "simd_level": "runtime",
    "softmax": "functions",
    "sqrt": "functions",
    "summarise": "bank",
    "symbol_bits": "entropy",
    "tanh": "functions",
    "trellis_quantise": "entropy",
    "unit": "bank",
    "window_attention": "functions",
    "wkv": "scan",
    "wkv_backward": "scan",
    "wkv_windows": "scan",
}

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


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
