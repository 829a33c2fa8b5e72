"""The operations that networks are written in, one file each: what it does to shapes and how a program holds it, and
its definition on torch tensors. The kernels are in kernels/ops, one file for each of the same name."""

from hpcmcodec.nn.operations.add_scaled import add_scaled
from hpcmcodec.nn.operations.as_float32 import as_float32
from hpcmcodec.nn.operations.attend_summary import attend_summary
from hpcmcodec.nn.operations.blend_rows import blend_rows
from hpcmcodec.nn.operations.cell_rms import cell_rms
from hpcmcodec.nn.operations.cell_sum import cell_sum
from hpcmcodec.nn.operations.concat import concat
from hpcmcodec.nn.operations.concat_columns import concat_columns
from hpcmcodec.nn.operations.conv2d import conv2d
from hpcmcodec.nn.operations.conv_transpose2d import conv_transpose2d
from hpcmcodec.nn.operations.crop import crop
from hpcmcodec.nn.operations.depthwise import depthwise
from hpcmcodec.nn.operations.double import double
from hpcmcodec.nn.operations.dwconv_rb import dwconv_rb
from hpcmcodec.nn.operations.exp import exp
from hpcmcodec.nn.operations.extend import extend
from hpcmcodec.nn.operations.fill import fill
from hpcmcodec.nn.operations.grouped import grouped
from hpcmcodec.nn.operations.haar import haar
from hpcmcodec.nn.operations.inverse_haar import inverse_haar
from hpcmcodec.nn.operations.join_summaries import join_summaries
from hpcmcodec.nn.operations.label_mask import label_mask
from hpcmcodec.nn.operations.lapped_filter import lapped_filter
from hpcmcodec.nn.operations.layer_norm import layer_norm
from hpcmcodec.nn.operations.leaky_relu import leaky_relu
from hpcmcodec.nn.operations.matrix import matrix
from hpcmcodec.nn.operations.maximum import maximum
from hpcmcodec.nn.operations.pad import pad
from hpcmcodec.nn.operations.pconv_rb import pconv_rb
from hpcmcodec.nn.operations.pixel_shuffle import pixel_shuffle
from hpcmcodec.nn.operations.pixel_unshuffle import pixel_unshuffle
from hpcmcodec.nn.operations.place import place
from hpcmcodec.nn.operations.pooled import pooled
from hpcmcodec.nn.operations.recall import recall
from hpcmcodec.nn.operations.regroup import regroup
from hpcmcodec.nn.operations.scale_shift import scale_shift
from hpcmcodec.nn.operations.select import select
from hpcmcodec.nn.operations.sigmoid import sigmoid
from hpcmcodec.nn.operations.signed_log_feature import signed_log_feature
from hpcmcodec.nn.operations.step_sizes import step_sizes
from hpcmcodec.nn.operations.stop_gradient import stop_gradient
from hpcmcodec.nn.operations.sum_channels import sum_channels
from hpcmcodec.nn.operations.summarise import summarise
from hpcmcodec.nn.operations.unit import unit
from hpcmcodec.nn.operations.vector import vector
from hpcmcodec.nn.operations.window_attention import window_attention
from hpcmcodec.nn.operations.wkv import wkv

__all__ = [
    "add_scaled",
    "as_float32",
    "attend_summary",
    "blend_rows",
    "cell_rms",
    "cell_sum",
    "concat",
    "concat_columns",
    "conv2d",
    "conv_transpose2d",
    "crop",
    "depthwise",
    "double",
    "dwconv_rb",
    "exp",
    "extend",
    "fill",
    "grouped",
    "haar",
    "inverse_haar",
    "join_summaries",
    "label_mask",
    "lapped_filter",
    "layer_norm",
    "leaky_relu",
    "matrix",
    "maximum",
    "pad",
    "pconv_rb",
    "pixel_shuffle",
    "pixel_unshuffle",
    "place",
    "pooled",
    "recall",
    "regroup",
    "scale_shift",
    "select",
    "sigmoid",
    "signed_log_feature",
    "step_sizes",
    "stop_gradient",
    "sum_channels",
    "summarise",
    "unit",
    "vector",
    "window_attention",
    "wkv",
]
