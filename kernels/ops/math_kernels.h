// The operations of math_ops.h for one instruction set.
#pragma once

#include "math_functions.h"
#include "math_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

// One vector of n elements; n is kLanes except at the end of an array.
inline F32 take(const float* p, int n) { return n == kLanes ? load(p) : load(p, n); }
inline void put(float* p, F32 v, int n) {
    if (n == kLanes) {
        store(p, v);
    } else {
        store(p, v, n);
    }
}
inline int lanes_left(size_t i, size_t count) { return count - i < kLanes ? static_cast<int>(count - i) : kLanes; }

template <F32 (*function)(F32)>
void map_function(const float* x, size_t count, float* out) {
    for (size_t i = 0; i < count; i += kLanes) {
        const int n = lanes_left(i, count);
        put(out + i, function(take(x + i, n)), n);
    }
}

void log_features(const float* v, size_t count, float s0, float* signs, float* magnitudes) {
    const F32 zero = splat(0.0f);
    for (size_t i = 0; i < count; i += kLanes) {
        const int n = lanes_left(i, count);
        const F32 x = take(v + i, n), m = log1p(absolute(x) / splat(s0));
        put(signs + i, select(less(zero, x), m, select(less(x, zero), negate(m), zero)), n);
        put(magnitudes + i, m, n);
    }
}

void softmax(const float* x, int channels, size_t stride, size_t pixels, float* out) {
    for (size_t i = 0; i < pixels; i += kLanes) {
        const int n = lanes_left(i, pixels);
        F32 top = take(x + i, n), sum = splat(0.0f);
        for (int c = 1; c < channels; ++c) top = larger(top, take(x + c * stride + i, n));
        for (int c = 0; c < channels; ++c) {
            const F32 e = exp(take(x + c * stride + i, n) - top);
            sum = sum + e;
            put(out + c * stride + i, e, n);
        }
        for (int c = 0; c < channels; ++c) put(out + c * stride + i, take(out + c * stride + i, n) / sum, n);
    }
}

void layer_norm(const float* x, int channels, size_t stride, size_t pixels, const float* weight, const float* bias,
                float eps, float* out) {
    const F32 count = splat(static_cast<float>(channels)), one = splat(1.0f);
    for (size_t i = 0; i < pixels; i += kLanes) {
        const int n = lanes_left(i, pixels);
        F32 sum = splat(0.0f), squares = splat(0.0f);
        for (int c = 0; c < channels; ++c) sum = sum + take(x + c * stride + i, n);
        const F32 mean = sum / count;
        for (int c = 0; c < channels; ++c) {
            const F32 d = take(x + c * stride + i, n) - mean;
            squares = fma(d, d, squares);
        }
        const F32 inverse = one / sqrt(squares / count + splat(eps));
        for (int c = 0; c < channels; ++c) {
            const F32 d = take(x + c * stride + i, n) - mean;
            put(out + c * stride + i, fma(d * inverse, splat(weight[c]), splat(bias[c])), n);
        }
    }
}

// Counts for `vectors` vectors, which share each broadcast threshold.
template <int vectors>
inline void count_below(const F32 (&scale)[vectors], const float* thresholds, int number, uint16_t* out, int n) {
    const I32 zero = splat_int(0), one = splat_int(1);
    I32 index[vectors];
    for (int j = 0; j < vectors; ++j) index[j] = zero;
    for (int t = 0; t < number; ++t) {
        const F32 threshold = splat(thresholds[t]);
        for (int j = 0; j < vectors; ++j) index[j] = index[j] + select(less(threshold, scale[j]), one, zero);
    }
    int32_t lanes[vectors * kLanes];
    for (int j = 0; j < vectors; ++j) store_int(lanes + j * kLanes, index[j]);
    for (int k = 0; k < n; ++k) out[k] = static_cast<uint16_t>(lanes[k]);
}

void scale_index(const float* scales, size_t count, const float* thresholds, int number, uint16_t* out) {
    constexpr int kVectors = 4, kBlock = kVectors * kLanes;
    size_t i = 0;
    for (; i + kBlock <= count; i += kBlock) {
        const float* p = scales + i;
        const F32 block[kVectors] = {load(p), load(p + kLanes), load(p + 2 * kLanes), load(p + 3 * kLanes)};
        count_below(block, thresholds, number, out + i, kBlock);
    }
    for (; i < count; i += kLanes) {
        const int n = lanes_left(i, count);
        const F32 block[1] = {take(scales + i, n)};
        count_below(block, thresholds, number, out + i, n);
    }
}

// acc[r] = sum over k of rows[r][k * step] * columns[k]: a few chains at once, to hide the latency of fma.
template <int count>
inline void chains(const float* rows, ptrdiff_t row_stride, ptrdiff_t step, const float* columns, ptrdiff_t column_stride,
                   int depth, F32 (&acc)[count]) {
    for (int r = 0; r < count; ++r) acc[r] = splat(0.0f);
    for (int k = 0; k < depth; ++k) {
        const F32 column = load(columns + k * column_stride);
        for (int r = 0; r < count; ++r) acc[r] = fma(splat(rows[r * row_stride + k * step]), column, acc[r]);
    }
}

// Lanes are queries. Weights stay unnormalised until the end: out = (sum over keys of exp(s - max) v) / (sum of exp).
void attend(const AttentionHead& a) {
    constexpr int kRows = 4;
    const F32 scale = splat(a.scale);
    for (int i = 0; i < a.tokens; i += kLanes) {
        F32 acc[kRows], single[1];
        for (int j = 0; j < a.stride; j += kRows) {  // the padding's scores are not used
            chains(a.k + j, 1, a.stride, a.q + i, a.stride, a.components, acc);
            for (int r = 0; r < kRows; ++r) store(a.scores + (j + r) * kLanes, acc[r] * scale);
        }
        F32 top = load(a.scores), sum = splat(0.0f);
        for (int j = 1; j < a.tokens; ++j) top = larger(top, load(a.scores + j * kLanes));
        for (int j = 0; j < a.tokens; ++j) {
            const F32 e = exp(load(a.scores + j * kLanes) - top);
            sum = sum + e;
            store(a.scores + j * kLanes, e);
        }
        int b = 0;
        for (; b + kRows <= a.components; b += kRows) {
            chains(a.v + b * a.stride, a.stride, 1, a.scores, kLanes, a.tokens, acc);
            for (int r = 0; r < kRows; ++r) store(a.out + (b + r) * a.stride + i, acc[r] / sum);
        }
        for (; b < a.components; ++b) {
            chains(a.v + b * a.stride, a.stride, 1, a.scores, kLanes, a.tokens, single);
            store(a.out + b * a.stride + i, single[0] / sum);
        }
    }
}

constexpr MathOps kMathOps = {map_function<exp>,   map_function<sigmoid>, map_function<tanh>, map_function<log>,
                              map_function<log1p>, map_function<square_root>, log_features,   softmax,
                              layer_norm,          scale_index,           attend};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
