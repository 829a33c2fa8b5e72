// WebAssembly's fixed vectors: four lanes. Fused multiply-add comes from relaxed SIMD where the module is built for it, which is
// for machines on which relaxed_madd is fused (web/src/core.js asks); the other module has it in software (simd_wasm_fma.h).
#pragma once

#include <wasm_simd128.h>

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kLanes = 4;

struct F32 {
    v128_t v;
};
struct I32 {
    v128_t v;
};
struct Mask {
    v128_t v;
};

inline F32 splat(float x) { return {wasm_f32x4_splat(x)}; }
inline I32 splat_int(int32_t x) { return {wasm_i32x4_splat(x)}; }

inline v128_t load_lanes(const void* p, int n) {
    int32_t lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) std::memcpy(lanes + i, static_cast<const char*>(p) + 4 * i, 4);
    return wasm_v128_load(lanes);
}
inline void store_lanes(void* p, v128_t a, int n) {
    int32_t lanes[kLanes];
    wasm_v128_store(lanes, a);
    for (int i = 0; i < n; ++i) std::memcpy(static_cast<char*>(p) + 4 * i, lanes + i, 4);
}
inline F32 load(const float* p) { return {wasm_v128_load(p)}; }
inline F32 load(const float* p, int n) { return {load_lanes(p, n)}; }
inline void store(float* p, F32 a) { wasm_v128_store(p, a.v); }
inline void store(float* p, F32 a, int n) { store_lanes(p, a.v, n); }
inline I32 load_int(const int32_t* p) { return {wasm_v128_load(p)}; }
inline I32 load_int(const int32_t* p, int n) { return {load_lanes(p, n)}; }
inline void store_int(int32_t* p, I32 a) { wasm_v128_store(p, a.v); }
inline void store_int(int32_t* p, I32 a, int n) { store_lanes(p, a.v, n); }

inline F32 operator+(F32 a, F32 b) { return {wasm_f32x4_add(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {wasm_f32x4_sub(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {wasm_f32x4_mul(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {wasm_f32x4_div(a.v, b.v)}; }
inline F32 sqrt(F32 a) { return {wasm_f32x4_sqrt(a.v)}; }

#if defined(__wasm_relaxed_simd__)
inline F32 fma(F32 a, F32 b, F32 c) { return {wasm_f32x4_relaxed_madd(a.v, b.v, c.v)}; }
#else
#define HPCM_WIDE_SUMS
#include "simd_wasm_fma.h"
#endif

inline I32 bits(F32 a) { return {a.v}; }
inline F32 from_bits(I32 a) { return {a.v}; }
inline F32 negate(F32 a) { return {wasm_f32x4_neg(a.v)}; }
inline F32 absolute(F32 a) { return {wasm_f32x4_abs(a.v)}; }

inline Mask less(F32 a, F32 b) { return {wasm_f32x4_lt(a.v, b.v)}; }
inline Mask less_equal(F32 a, F32 b) { return {wasm_f32x4_le(a.v, b.v)}; }
inline Mask equal(F32 a, F32 b) { return {wasm_f32x4_eq(a.v, b.v)}; }
inline Mask equal(I32 a, I32 b) { return {wasm_i32x4_eq(a.v, b.v)}; }
inline Mask both(Mask a, Mask b) { return {wasm_v128_and(a.v, b.v)}; }
inline Mask either(Mask a, Mask b) { return {wasm_v128_or(a.v, b.v)}; }
inline F32 select(Mask m, F32 yes, F32 no) { return {wasm_v128_bitselect(yes.v, no.v, m.v)}; }
inline I32 select(Mask m, I32 yes, I32 no) { return {wasm_v128_bitselect(yes.v, no.v, m.v)}; }

inline F32 round_even(F32 a) { return {wasm_f32x4_nearest(a.v)}; }
inline I32 to_int(F32 a) { return {wasm_i32x4_trunc_sat_f32x4(a.v)}; }
inline F32 to_float(I32 a) { return {wasm_f32x4_convert_i32x4(a.v)}; }

inline I32 operator+(I32 a, I32 b) { return {wasm_i32x4_add(a.v, b.v)}; }
inline I32 operator-(I32 a, I32 b) { return {wasm_i32x4_sub(a.v, b.v)}; }
inline I32 operator&(I32 a, I32 b) { return {wasm_v128_and(a.v, b.v)}; }
inline I32 operator|(I32 a, I32 b) { return {wasm_v128_or(a.v, b.v)}; }
template <int n>
inline I32 shift_left(I32 a) {
    return {wasm_i32x4_shl(a.v, n)};
}
template <int n>
inline I32 shift_right(I32 a) {
    return {wasm_i32x4_shr(a.v, n)};
}

inline void store_interleaved(float* p, F32 a, F32 b) {
    wasm_v128_store(p, wasm_i32x4_shuffle(a.v, b.v, 0, 4, 1, 5));
    wasm_v128_store(p + 4, wasm_i32x4_shuffle(a.v, b.v, 2, 6, 3, 7));
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
