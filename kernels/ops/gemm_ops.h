// Matrix products in index order: what every dense convolution is made of.
#pragma once

#include <cstddef>

namespace hpcm {

// One block of out[o][p] = sum over k of weights[o][k] * input[k][p].
//
// The input comes packed in panels of `panel_width` pixels: panel q holds input[k][q*width + j] at
// panels[q*panel_stride + k*width + j], with zeros beyond the last pixel. Each output is one chain of fma over ascending
// k, from bias (or +0). `depth` may be a slice of the whole sum: the chain then continues from what out holds, which
// keeps the bits, since a float survives memory unchanged.
struct GemmBlock {
    const float* weights;  // row o at weights + o*weight_stride
    ptrdiff_t weight_stride;
    const float* panels;
    ptrdiff_t panel_stride;
    int rows, depth, columns;
    const float* bias;  // used when first; null means +0
    bool first, last;   // is this the first, the last slice of the sum?
    float* out;         // row o, pixel q*width + j at out + o*out_stride + q*out_panel_stride + j
    ptrdiff_t out_stride, out_panel_stride;
    // After the last slice: v = sum + 0.0f (so -0 becomes +0); v = v > 0 ? v : v*slope if leaky; v = residual + v.
    bool leaky;
    float slope;
    const float* residual;  // null, or laid out by residual_stride as out is; panels follow one another
    ptrdiff_t residual_stride;
};

struct GemmOps {
    int panel_width;
    int tile_rows;  // rows that the innermost loop computes at once
    void (*multiply)(const GemmBlock&);
    // Packs columns 0..columns of rows 0..depth of a matrix into panels as above.
    void (*pack)(const float* from, ptrdiff_t stride, int depth, int columns, float* panels, ptrdiff_t panel_stride);
};

}  // namespace hpcm
