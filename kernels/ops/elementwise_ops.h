// Operations on each element alone.
#pragma once

#include <cstddef>

namespace hpcm {

enum class Binary { add, subtract, multiply, divide, maximum };  // maximum: a > b ? a : b

struct ElementwiseOps {
    void (*leaky_relu)(const float* x, size_t count, float slope, float* out);         // x > 0 ? x : x * slope
    void (*scale_shift)(const float* x, size_t count, float scale, float shift, float* out);  // fma(x, scale, shift)
    void (*multiply)(const float* x, size_t count, float scale, float* out);
    void (*add)(const float* a, const float* b, size_t count, float* out);
    void (*fma)(const float* a, const float* b, const float* c, size_t count, float* out);
    // Operands with `each` have an element for every result, others one for all. out may be an operand with each.
    using BinaryFunction = void (*)(const float* a, bool each_a, const float* b, bool each_b, size_t count, float* out);
    BinaryFunction binary[5];  // by Binary
    void (*fma_mixed)(const float* const* from, const bool* each, size_t count, float* out);  // of three
    void (*absolute)(const float* x, size_t count, float* out);
    // out[c] = +0, then fma(weights[a], rows[a*stride + c], out[c]) for a = 0, 1, ...
    void (*blend_rows)(const float* weights, const float* rows, size_t stride, int count, size_t channels, float* out);
};

}  // namespace hpcm
