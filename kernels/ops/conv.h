// Convolutions. All arrays are planar float32; out never overlaps an input; biases may be null. Sums run in the order
// (input channel, kernel row, kernel column) from the bias, and + 0.0f is added at the end.
#pragma once

#include "strip.h"

namespace hpcm {

// w[outputs][channels]; out has the input's height and width.
void conv1x1(const Planes& x, const float* w, const float* bias, int outputs, float* out);

struct Kernel {
    int height, width, stride, padding;
};

// w[outputs][channels][height][width].
void conv2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, float* out);

// w[channels][outputs][height][width]; output (y, x) sums over taps with y = row*stride - padding + tap.
void conv_transpose2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, float* out);

// w[channels][height][width], stride 1.
void depthwise(const Planes& x, const float* w, const float* bias, const Kernel& kernel, float* out);

// Weights of a residual block: out = x + reduce(leaky_relu(expand(spatial(x)), 0.01)). Biases are present.
struct ResidualBlock {
    const float *spatial, *spatial_bias;
    int spatial_channels;  // partial convolution: 3x3 over the first channels, the others pass unchanged
    const float *expand, *expand_bias;
    int hidden;
    const float *reduce, *reduce_bias;
};

void pconv_rb(const Planes& x, const ResidualBlock& block, float* out);
void dwconv_rb(const Planes& x, const ResidualBlock& block, float* out);

// Extent of the result along one axis; below 1 if the kernel does not fit.
inline long long conv_extent(long long size, long long kernel, long long stride, long long padding) {
    return size + 2 * padding < kernel ? 0 : (size + 2 * padding - kernel) / stride + 1;
}
inline long long conv_transpose_extent(long long size, long long kernel, long long stride, long long padding) {
    return (size - 1) * stride - 2 * padding + kernel;
}

}  // namespace hpcm
