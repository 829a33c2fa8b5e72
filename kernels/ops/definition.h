// Scalar functions for the definitions of operations: the text of FORMAT.md section 9, and nothing of the SIMD kernels.
#pragma once

#include <cmath>
#include <cstring>

#include "operation.h"
#include "soft_fma.h"

namespace hpcm {
namespace definition {

// x[c, i, j] of a dense map, or of one that repeats along axes of length 1.
inline float at(const Operand& x, int64_t c, int64_t i, int64_t j) {
    const Shape& s = x.shape;
    return x.data[((s.channels == 1 ? 0 : c) * s.rows + (s.rows == 1 ? 0 : i)) * s.columns + (s.columns == 1 ? 0 : j)];
}

// Calls body(c, i, j, place) for all elements of a dense map.
template <typename Body>
void each(const Shape& s, Body body) {
    int64_t place = 0;
    for (int64_t c = 0; c < s.channels; ++c) {
        for (int64_t i = 0; i < s.rows; ++i) {
            for (int64_t j = 0; j < s.columns; ++j) body(c, i, j, place++);
        }
    }
}

inline float fma(float a, float b, float c) { return soft_fma(a, b, c); }
inline float larger(float a, float b) { return a > b ? a : b; }
inline float leaky(float x, float slope) { return x > 0.0f ? x : x * slope; }

inline float from_bits(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <int count>
float horner(float x, const uint32_t (&c)[count]) {
    float p = from_bits(c[0]);
    for (int i = 1; i < count; ++i) p = fma(p, x, from_bits(c[i]));
    return p;
}

inline float exp(float x) {
    static constexpr uint32_t kC[] = {0x3ab511e8, 0x3c091d10, 0x3d2aac79, 0x3e2aaa49, 0x3efffffe};
    if (!(x >= -86.0f)) return 0.0f;
    if (x > 88.0f) x = 88.0f;
    const float scaled = x * from_bits(0x3fb8aa3b), n = std::nearbyint(scaled);
    float r = fma(-n, from_bits(0x3f318000), x);
    r = fma(-n, from_bits(0xb95e8083), r);
    return std::ldexp(fma(horner(r, kC), r * r, r) + 1.0f, static_cast<int>(n));
}

inline float sigmoid(float x) {
    const float e = exp(-std::fabs(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

inline float log1p(float x) {
    static constexpr uint32_t kC[] = {0x3d8a399f, 0xbdef00ee, 0x3df36005, 0xbdfe1465, 0x3e119dd1,
                                      0xbe2aae22, 0x3e4cd23b, 0xbe800003, 0x3eaaaaa4};
    if (!(x > 0.0f)) x = 0.0f;
    if (!(x < 0x1p100f)) x = 0x1p100f;
    const float u = 1.0f + x, lost = x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x);
    int k;
    float m = std::frexp(u, &k);  // 0.5 .. 1
    if (m < from_bits(0x3f3504f3)) {
        m = 2.0f * m;
        --k;
    }
    const float f = fma(lost, std::ldexp(1.0f, -k), m - 1.0f), z = f * f, whole = static_cast<float>(k);
    float y = (f * z) * horner(f, kC);
    y = fma(whole, from_bits(0xb95e8083), y);
    y = fma(-0.5f, z, y);
    return fma(whole, from_bits(0x3f318000), f + y);
}

// One output of a convolution at output row i, column j: taps of `w` [k][k] on the plane `x`, chained on `sum`.
inline float taps(float sum, const float* x, int64_t rows, int64_t columns, const float* w, int64_t k, int64_t top, int64_t left) {
    for (int64_t a = 0; a < k; ++a) {
        for (int64_t b = 0; b < k; ++b) {
            const int64_t i = top + a, j = left + b;
            if (i >= 0 && i < rows && j >= 0 && j < columns) sum = fma(w[a * k + b], x[i * columns + j], sum);
        }
    }
    return sum;
}

}  // namespace definition
}  // namespace hpcm
