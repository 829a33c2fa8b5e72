// All operations of programs; each has a file op_<name>.cpp.
#pragma once

#define HPCM_FOR_OPERATIONS(X) \
    X(absolute) X(add) X(attend_summary) X(blend_rows) X(cell_rms) X(cell_sum) X(concat) X(concat_columns) X(conv2d) \
    X(conv_transpose2d) X(crop) X(depthwise) X(divide) X(double) X(dwconv_rb) X(exp) X(extend) X(fill) X(fma) \
    X(grouped) X(haar) X(inverse_haar) X(join_summaries) X(label_mask) X(lapped_filter) X(layer_norm) X(leaky_relu) \
    X(maximum) X(multiply) X(pad) X(pconv_rb) X(pixel_shuffle) X(pixel_unshuffle) X(place) X(pooled) X(recall) \
    X(regroup) X(select) X(sigmoid) X(signed_log_feature) X(slice) X(step_sizes) X(subtract) X(sum_channels) \
    X(summarise) X(unit) X(window_attention) X(wkv)
