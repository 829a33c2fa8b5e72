// exp and maximum on the types of simd.h or of one thread of a graphics card (kernels/cuda/lane.h): a fixed polynomial in a
// fixed order, part of the format (FORMAT.md).
#pragma once

#if !defined(HPCM_FUNCTION)
#define HPCM_FUNCTION inline
#endif

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

HPCM_FUNCTION F32 larger(F32 a, F32 b) { return select(less(a, b), b, a); }

constexpr float kLog2E = 0x1.715476p+0f;
constexpr float kLn2High = 0x1.63p-1f, kLn2Low = -0x1.bd0106p-13f;  // their sum is ln 2; the first times 0..128 is exact

// p = c[0]; p = fma(p, x, c[1]); ...
template <int count>
HPCM_FUNCTION F32 horner(F32 x, const float (&c)[count]) {
    F32 p = splat(c[0]);
    for (int i = 1; i < count; ++i) p = fma(p, x, splat(c[i]));
    return p;
}

HPCM_FUNCTION F32 minus_infinity() { return from_bits(splat_int(-0x800000)); }

// 2^n for -126 <= n <= 127.
HPCM_FUNCTION F32 power_of_two(I32 n) { return from_bits(shift_left<23>(n + splat_int(127))); }

// 0 below -86 and for NaN; the value at 88 above 88. Error below 1 ulp for x <= 0, 1.01 ulp above.
// exp(0) = 1.
HPCM_FUNCTION F32 exp(F32 x) {
    static constexpr float kC[] = {0x1.6a23dp-10f, 0x1.123a2p-7f, 0x1.5558f2p-5f, 0x1.555492p-3f, 0x1.fffffcp-2f};
    const Mask in_range = less_equal(splat(-86.0f), x);
    x = select(in_range, x, splat(-86.0f));
    x = select(less(splat(88.0f), x), splat(88.0f), x);
    const F32 n = round_even(x * splat(kLog2E));
    F32 r = fma(negate(n), splat(kLn2High), x);
    r = fma(negate(n), splat(kLn2Low), r);
    const F32 e = fma(horner(r, kC), r * r, r) + splat(1.0f);
    return select(in_range, e * power_of_two(to_int(n)), splat(0.0f));
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
