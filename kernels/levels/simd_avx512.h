// AVX-512 (F, BW, DQ, VL): sixteen lanes.
#pragma once

#if defined(HPCM_EMULATE_AVX512)
#include "avx512_emulation.h"  // kernels/tools: checks this file on processors without AVX-512
#else
#include <immintrin.h>
#endif

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kLanes = 16;

struct F32 {
    __m512 v;
};
struct I32 {
    __m512i v;
};
struct Mask {
    __mmask16 v;
};

inline F32 splat(float x) { return {_mm512_set1_ps(x)}; }
inline I32 splat_int(int32_t x) { return {_mm512_set1_epi32(x)}; }

inline __mmask16 lanes_below(int n) { return static_cast<__mmask16>((1u << n) - 1); }
inline F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline F32 load(const float* p, int n) { return {_mm512_maskz_loadu_ps(lanes_below(n), p)}; }
inline void store(float* p, F32 a) { _mm512_storeu_ps(p, a.v); }
inline void store(float* p, F32 a, int n) { _mm512_mask_storeu_ps(p, lanes_below(n), a.v); }
inline I32 load_int(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
inline I32 load_int(const int32_t* p, int n) { return {_mm512_maskz_loadu_epi32(lanes_below(n), p)}; }
inline void store_int(int32_t* p, I32 a) { _mm512_storeu_si512(p, a.v); }
inline void store_int(int32_t* p, I32 a, int n) { _mm512_mask_storeu_epi32(p, lanes_below(n), a.v); }

inline F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F32 sqrt(F32 a) { return {_mm512_sqrt_ps(a.v)}; }
inline F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }

inline I32 bits(F32 a) { return {_mm512_castps_si512(a.v)}; }
inline F32 from_bits(I32 a) { return {_mm512_castsi512_ps(a.v)}; }
inline F32 negate(F32 a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
inline F32 absolute(F32 a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }

inline Mask less(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask less_equal(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
inline Mask equal(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask equal(I32 a, I32 b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
inline Mask both(Mask a, Mask b) { return {static_cast<__mmask16>(a.v & b.v)}; }
inline Mask either(Mask a, Mask b) { return {static_cast<__mmask16>(a.v | b.v)}; }
inline F32 select(Mask m, F32 yes, F32 no) { return {_mm512_mask_blend_ps(m.v, no.v, yes.v)}; }
inline I32 select(Mask m, I32 yes, I32 no) { return {_mm512_mask_blend_epi32(m.v, no.v, yes.v)}; }

inline F32 round_even(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
inline I32 to_int(F32 a) { return {_mm512_cvttps_epi32(a.v)}; }
inline F32 to_float(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }

inline I32 operator+(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
inline I32 operator-(I32 a, I32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
inline I32 operator&(I32 a, I32 b) { return {_mm512_and_si512(a.v, b.v)}; }
inline I32 operator|(I32 a, I32 b) { return {_mm512_or_si512(a.v, b.v)}; }
template <int n>
inline I32 shift_left(I32 a) {
    return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
inline I32 shift_right(I32 a) {
    return {_mm512_srai_epi32(a.v, n)};
}

inline void store_interleaved(float* p, F32 a, F32 b) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    _mm512_storeu_ps(p, _mm512_permutex2var_ps(a.v, low, b.v));
    _mm512_storeu_ps(p + 16, _mm512_permutex2var_ps(a.v, high, b.v));
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
