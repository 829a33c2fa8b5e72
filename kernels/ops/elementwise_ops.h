// Operations on each element alone.
#pragma once

#include <cstddef>

namespace hpcm {

struct ElementwiseOps {
    void (*leaky_relu)(const float* x, size_t count, float slope, float* out);         // x > 0 ? x : x * slope
    void (*scale_shift)(const float* x, size_t count, float scale, float shift, float* out);  // fma(x, scale, shift)
    void (*multiply)(const float* x, size_t count, float scale, float* out);
    void (*add)(const float* a, const float* b, size_t count, float* out);
    void (*fma)(const float* a, const float* b, const float* c, size_t count, float* out);
    // out[c] = +0, then fma(weights[a], rows[a*stride + c], out[c]) for a = 0, 1, ...
    void (*blend_rows)(const float* weights, const float* rows, size_t stride, int count, size_t channels, float* out);
};

}  // namespace hpcm
