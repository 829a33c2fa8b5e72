// exp, log, log1p, sigmoid and tanh on vectors: fixed polynomials in a fixed order, part of the format (FORMAT.md).
//
// All are total: arguments outside the stated range are clamped to it and NaN gives a stated number, so that no result is
// NaN or a matter of the processor.
#pragma once

#include "core_functions.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

inline F32 sigmoid(F32 x) {
    const F32 one = splat(1.0f), e = exp(negate(absolute(x)));
    return select(less_equal(splat(0.0f), x), one, e) / (one + e);
}

// Odd polynomial up to 0.625, then (1 - e) / (1 + e) with e = exp(-2 |x|). NaN gives 1.
inline F32 tanh(F32 x) {
    static constexpr float kC[] = {0x1.1595f2p-9f,  -0x1.0b3a64p-7f, 0x1.63718ep-6f,
                                   -0x1.b9edcp-5f, 0x1.11106ep-3f,  -0x1.555554p-2f};
    const F32 one = splat(1.0f), a = absolute(x), z = x * x;
    const F32 e = exp(a * splat(-2.0f));
    const F32 large = (one - e) / (one + e);
    const F32 small = fma(horner(z, kC) * z, x, x);
    return select(less(a, splat(0.625f)), small, select(less(x, splat(0.0f)), negate(large), large));
}

struct Split {
    F32 exponent;  // k as a float
    F32 fraction;  // f: the number is 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2)
    I32 k;
};

inline Split split(F32 x) {
    const I32 sqrt_half = splat_int(0x3f3504f3);
    const I32 i = bits(x) + (splat_int(0x3f800000) - sqrt_half);
    const I32 k = shift_right<23>(i) - splat_int(127);
    const F32 m = from_bits((i & splat_int(0x007fffff)) + sqrt_half);
    return {to_float(k), m - splat(1.0f), k};
}

// k ln 2 + log(1 + f)
inline F32 log_of_split(F32 k, F32 f) {
    static constexpr float kC[] = {0x1.14733ep-4f,  -0x1.de01dcp-4f, 0x1.e6c00ap-4f,  -0x1.fc28cap-4f, 0x1.233ba2p-3f,
                                   -0x1.555c44p-3f, 0x1.99a476p-3f,  -0x1.000006p-2f, 0x1.555548p-2f};
    const F32 z = f * f;
    F32 y = (f * z) * horner(f, kC);
    y = fma(k, splat(kLn2Low), y);
    y = fma(splat(-0.5f), z, y);
    return fma(k, splat(kLn2High), f + y);
}

// Clamped to 2^-126 (also NaN) .. the largest float.
inline F32 log(F32 x) {
    x = select(less(splat(0x1p-126f), x), x, splat(0x1p-126f));
    x = select(less(x, splat(0x1.fffffep+127f)), x, splat(0x1.fffffep+127f));
    const Split s = split(x);
    return log_of_split(s.exponent, s.fraction);
}

// Clamped to 0 (also NaN) .. 2^100. What 1 + x loses in rounding is added to the fraction again, so small x are exact.
inline F32 log1p(F32 x) {
    const F32 one = splat(1.0f);
    x = select(less(splat(0.0f), x), x, splat(0.0f));
    x = select(less(x, splat(0x1p+100f)), x, splat(0x1p+100f));
    const F32 u = one + x;
    const F32 lost = select(less(x, one), x - (u - one), one - (u - x));
    const Split s = split(u);
    return log_of_split(s.exponent, fma(lost, power_of_two(splat_int(0) - s.k), s.fraction));
}

// Correctly rounded; 0 for what is not above 0 (a NaN's sign would depend on the processor).
inline F32 square_root(F32 x) {
    return sqrt(select(less(splat(0.0f), x), x, splat(0.0f)));
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
