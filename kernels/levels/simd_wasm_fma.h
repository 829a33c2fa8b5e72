// Multiply-add of WebAssembly's fixed vectors, rounded once, by way of double; a part of simd_wasm.h.
//
// The product of two floats is exact in double. Rounding the sum to double and then to float differs from rounding once only
// where the double lies in the middle between two floats. Middles of normal floats have one pattern of their 29 low bits, which is
// looked for; the few that have it are computed anew with the double rounded to odd, as soft_fma.h has it.
#pragma once

// Pairs of doubles that hold floats.
inline v128_t lower_doubles(v128_t a) { return wasm_f64x2_promote_low_f32x4(a); }
inline v128_t upper_doubles(v128_t a) { return wasm_f64x2_promote_low_f32x4(wasm_i64x2_shuffle(a, a, 1, 1)); }
inline v128_t floats(v128_t low, v128_t high) {
    return wasm_i64x2_shuffle(wasm_f32x4_demote_f64x2_zero(low), wasm_f32x4_demote_f64x2_zero(high), 0, 2);
}

// The 29 low bits of four doubles, and zeros behind them: the least integer where one lies in the middle between two normal floats.
inline v128_t rests(v128_t low, v128_t high) { return wasm_i32x4_shl(wasm_i32x4_shuffle(low, high, 0, 2, 4, 6), 3); }

// a*b+c rounded to odd: soft_fma.h says why that can be rounded again.
inline v128_t odd_sum(v128_t a, v128_t b, v128_t c) {
    const v128_t zero = wasm_i64x2_const_splat(0), one = wasm_i64x2_const_splat(1);
    const v128_t product = wasm_f64x2_mul(a, b), sum = wasm_f64x2_add(product, c), part = wasm_f64x2_sub(sum, product);
    const v128_t error = wasm_f64x2_add(wasm_f64x2_sub(product, wasm_f64x2_sub(sum, part)), wasm_f64x2_sub(c, part));
    const v128_t above = wasm_f64x2_gt(error, zero);
    const v128_t inexact = wasm_v128_or(above, wasm_f64x2_lt(error, zero));  // not where the sum is infinite: its error is NaN
    const v128_t inward = wasm_v128_xor(above, wasm_f64x2_gt(sum, zero));
    const v128_t even = wasm_i64x2_eq(wasm_v128_and(sum, one), zero);
    return wasm_i64x2_add(sum, wasm_v128_and(wasm_v128_or(inward, one), wasm_v128_and(inexact, even)));  // -1 or 1
}

[[gnu::noinline]] v128_t careful_fma(v128_t a, v128_t b, v128_t c) {
    return floats(odd_sum(lower_doubles(a), lower_doubles(b), lower_doubles(c)),
                  odd_sum(upper_doubles(a), upper_doubles(b), upper_doubles(c)));
}

// Middles of subnormal floats have other patterns: these, and zeros with them, are all taken for middles.
inline F32 fma(F32 a, F32 b, F32 c) {
    const v128_t low = wasm_f64x2_add(wasm_f64x2_mul(lower_doubles(a.v), lower_doubles(b.v)), lower_doubles(c.v));
    const v128_t high = wasm_f64x2_add(wasm_f64x2_mul(upper_doubles(a.v), upper_doubles(b.v)), upper_doubles(c.v));
    const v128_t rounded = floats(low, high);
    const v128_t middle = wasm_i32x4_eq(rests(low, high), wasm_i32x4_const_splat(INT32_MIN));
    const v128_t tiny = wasm_f32x4_le(wasm_f32x4_abs(rounded), wasm_f32x4_const_splat(0x1p-126f));
    if (HPCM_UNLIKELY(wasm_v128_any_true(wasm_v128_or(middle, tiny)))) return {careful_fma(a.v, b.v, c.v)};
    return {rounded};
}

// Chains of fma keep their sum in double, rounded to the 24 bits of a float at every step, and look for middles once, at their end:
// a middle spoils the chain, which is then computed anew with fma above. So middles may go up, which takes a sum and a mask.
// That is what float does as long as factors are 0 or 2^-50 to 2^50 and the chain begins with 0 or 2^-122 to 2^122: in chains of at
// most 2^20 steps nothing overflows, all sums are multiples of 2^-146, and those below 2^-122, subnormal ones too, have 24 bits at most.
constexpr float kLeastFactor = 0x1p-50f, kMostFactor = 0x1p50f, kLeastStart = 0x1p-122f, kMostStart = 0x1p122f;
constexpr int kMostSteps = 1 << 20;

struct Wide {
    v128_t low, high;
};

inline Wide widen(F32 a) { return {lower_doubles(a.v), upper_doubles(a.v)}; }
inline Wide widen(const float* p) {
    return {wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(p)), wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(p + 2))};
}
inline Wide splat_wide(float x) {
    const v128_t both = wasm_f64x2_splat(x);
    return {both, both};
}
inline F32 narrow(Wide a) { return {floats(a.low, a.high)}; }

// Rounds pairs of doubles after half of a float's last place was added.
inline v128_t without_rest(v128_t a) { return wasm_v128_and(a, wasm_i64x2_const_splat(~int64_t(0x1fffffff))); }

// sum = a*b + sum; `least` goes down to 0 at a middle.
inline void add_product(Wide& sum, Wide a, Wide b, I32& least) {
    const v128_t half = wasm_i64x2_const_splat(0x10000000);
    const v128_t low = wasm_i64x2_add(wasm_f64x2_add(wasm_f64x2_mul(a.low, b.low), sum.low), half);
    const v128_t high = wasm_i64x2_add(wasm_f64x2_add(wasm_f64x2_mul(a.high, b.high), sum.high), half);
    least.v = wasm_u32x4_min(least.v, rests(low, high));  // a middle with half a place on top ends in 29 zeros
    sum.low = without_rest(low);
    sum.high = without_rest(high);
}
inline I32 no_middle() { return splat_int(-1); }
inline bool met_middle(I32 least) { return wasm_v128_any_true(wasm_i32x4_eq(least.v, wasm_i32x4_const_splat(0))); }

// Whether every lane is 0 or between the bounds.
inline bool all_within(F32 a, float least, float most) {
    const v128_t size = wasm_f32x4_abs(a.v);
    const v128_t usual = wasm_v128_and(wasm_f32x4_ge(size, wasm_f32x4_splat(least)), wasm_f32x4_le(size, wasm_f32x4_splat(most)));
    return wasm_i32x4_all_true(wasm_v128_or(usual, wasm_f32x4_eq(size, wasm_f32x4_const_splat(0.0f))));
}
