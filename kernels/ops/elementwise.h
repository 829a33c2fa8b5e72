// Elementwise operations on whole arrays, in parallel; and moving elements between channels and pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "strip.h"

namespace hpcm {

void leaky_relu(const float* x, size_t count, float slope, float* out);
void add(const float* a, const float* b, size_t count, float* out);
void fma_each(const float* a, const float* b, const float* c, size_t count, float* out);

// Per channel: fma(x, scale, shift); x * scale if shift is null.
void scale_shift(const float* x, size_t channels, size_t pixels, const float* scale, const float* shift, float* out);

// out[channel] = sum over a of weights[a] * rows[a][channel], from +0 in order of a.
void blend_rows(const float* weights, const float* rows, int count, size_t channels, float* out);

// out[c][y*r + i][x*r + j] = in[c*r*r + i*r + j][y][x], and its inverse, whose height and width are multiples of r. Planes of
// the result lie out_plane floats apart.
void pixel_shuffle(const Planes& x, int r, float* out, ptrdiff_t out_plane);
void pixel_unshuffle(const Planes& x, int r, float* out, ptrdiff_t out_plane);

// The same, dense; sizes are those of the smaller planes, channels that of the larger ones.
inline void pixel_shuffle(const float* x, int channels, int height, int width, int r, float* out) {
    pixel_shuffle({x, channels * r * r, height, width}, r, out, static_cast<ptrdiff_t>(height) * r * width * r);
}
inline void pixel_unshuffle(const float* x, int channels, int height, int width, int r, float* out) {
    pixel_unshuffle({x, channels, height * r, width * r}, r, out, static_cast<ptrdiff_t>(height) * width);
}

// Rows of planes that lie `plane_stride` floats apart, rows `row_stride`.
struct RowsOfPlanes {
    const float* data;
    int height;
    std::ptrdiff_t plane_stride, row_stride;
};

// out[c] = the rows of all parts in plane c, one part under another.
void join_rows(const std::vector<RowsOfPlanes>& parts, int channels, int width, float* out);

// Planes, so many floats apart, to pixels: out[i][c] = x[c][i] within 0..1 times top, rounded half to even. T: uint8_t or
// uint16_t.
template <typename T>
void round_pixels(const float* x, ptrdiff_t plane_floats, int channels, size_t pixels, float top, T* out);

// Applies p[16][16] to the 8 + 8 samples around every inner border of 16-blocks, vertically and then horizontally.
// Height and width are multiples of 16.
void lapped_filter(const Planes& x, const float* p, float* out, ptrdiff_t out_plane);
inline void lapped_filter(const Planes& x, const float* p, float* out) {
    lapped_filter(x, p, out, static_cast<ptrdiff_t>(x.height) * x.width);
}

}  // namespace hpcm
