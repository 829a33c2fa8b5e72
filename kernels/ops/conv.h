// Convolutions. All arrays are planar float32; out never overlaps an input; biases may be null. Sums run in the order
// (input channel, kernel row, kernel column) from the bias, and + 0.0f is added at the end.
#pragma once

#include "strip.h"

namespace hpcm {

struct Kernel {
    int height, width, stride, padding;
};

// Where results go: the rows row .. row + rows of what the input gives, planes `plane` floats apart. Where the input is a
// piece of a map, rows that depend on what lies beyond the piece must not be asked for.
struct Rows {
    float* data;
    ptrdiff_t plane;
    int row, rows;

    Rows(float* data_, long long rows_, long long columns) : Rows(data_, rows_ * columns, 0, rows_) {}  // all of them
    Rows(float* data_, long long plane_, long long row_, long long rows_)
        : data(data_), plane(static_cast<ptrdiff_t>(plane_)), row(static_cast<int>(row_)), rows(static_cast<int>(rows_)) {}
};

// What follows a convolution in the same pass: v > 0 ? v : v * slope if leaky, then residual + v.
struct Epilogue {
    bool leaky = false;
    float slope = 0.0f;
    const float* residual = nullptr;  // laid out like the rows of the result
    ptrdiff_t residual_plane = 0;
};

// w[outputs][channels]; out has the input's height and width.
void conv1x1(const Planes& x, const float* w, const float* bias, int outputs, const Rows& out, const Epilogue& then = {});

// w[outputs][channels][height][width].
void conv2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, const Rows& out,
            const Epilogue& then = {});

// w[channels][outputs][height][width]; output (y, x) sums over taps with y = row*stride - padding + tap.
void conv_transpose2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, const Rows& out);

// w[channels][height][width], stride 1.
void depthwise(const Planes& x, const float* w, const float* bias, const Kernel& kernel, const Rows& out);

// Weights of a residual block: out = x + reduce(leaky_relu(expand(spatial(x)), 0.01)). Biases are present.
struct ResidualBlock {
    const float *spatial, *spatial_bias;
    int spatial_channels;  // partial convolution: 3x3 over the first channels, the others pass unchanged
    const float *expand, *expand_bias;
    int hidden;
    const float *reduce, *reduce_bias;
};

void pconv_rb(const Planes& x, const ResidualBlock& block, const Rows& out);
void dwconv_rb(const Planes& x, const ResidualBlock& block, const Rows& out);

// Extent of the result along one axis; below 1 if the kernel does not fit.
inline long long conv_extent(long long size, long long kernel, long long stride, long long padding) {
    return size + 2 * padding < kernel ? 0 : (size + 2 * padding - kernel) / stride + 1;
}
inline long long conv_transpose_extent(long long size, long long kernel, long long stride, long long padding) {
    return (size - 1) * stride - 2 * padding + kernel;
}

// Whole results, dense.
inline void conv1x1(const Planes& x, const float* w, const float* bias, int outputs, float* out) {
    conv1x1(x, w, bias, outputs, Rows(out, x.height, x.width));
}
inline void conv2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& k, float* out) {
    conv2d(x, w, bias, outputs, k,
           Rows(out, conv_extent(x.height, k.height, k.stride, k.padding), conv_extent(x.width, k.width, k.stride, k.padding)));
}
inline void conv_transpose2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& k, float* out) {
    conv_transpose2d(x, w, bias, outputs, k,
                     Rows(out, conv_transpose_extent(x.height, k.height, k.stride, k.padding),
                          conv_transpose_extent(x.width, k.width, k.stride, k.padding)));
}
inline void depthwise(const Planes& x, const float* w, const float* bias, const Kernel& k, float* out) {
    depthwise(x, w, bias, k,
              Rows(out, conv_extent(x.height, k.height, 1, k.padding), conv_extent(x.width, k.width, 1, k.padding)));
}
inline void pconv_rb(const Planes& x, const ResidualBlock& block, float* out) {
    pconv_rb(x, block, Rows(out, x.height, x.width));
}
inline void dwconv_rb(const Planes& x, const ResidualBlock& block, float* out) {
    dwconv_rb(x, block, Rows(out, x.height, x.width));
}

}  // namespace hpcm
