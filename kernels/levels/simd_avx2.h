// AVX2 with FMA: eight lanes.
#pragma once

#include <immintrin.h>

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kLanes = 8;

struct F32 {
    __m256 v;
};
struct I32 {
    __m256i v;
};
struct Mask {
    __m256 v;
};

inline F32 splat(float x) { return {_mm256_set1_ps(x)}; }
inline I32 splat_int(int32_t x) { return {_mm256_set1_epi32(x)}; }

inline __m256i lanes_below(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline F32 load(const float* p, int n) { return {_mm256_maskload_ps(p, lanes_below(n))}; }
inline void store(float* p, F32 a) { _mm256_storeu_ps(p, a.v); }
inline void store(float* p, F32 a, int n) { _mm256_maskstore_ps(p, lanes_below(n), a.v); }
inline I32 load_int(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
inline I32 load_int(const int32_t* p, int n) { return {_mm256_maskload_epi32(p, lanes_below(n))}; }
inline void store_int(int32_t* p, I32 a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
inline void store_int(int32_t* p, I32 a, int n) { _mm256_maskstore_epi32(p, lanes_below(n), a.v); }

inline F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
inline F32 sqrt(F32 a) { return {_mm256_sqrt_ps(a.v)}; }
inline F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

inline I32 bits(F32 a) { return {_mm256_castps_si256(a.v)}; }
inline F32 from_bits(I32 a) { return {_mm256_castsi256_ps(a.v)}; }
inline F32 negate(F32 a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
inline F32 absolute(F32 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }

inline Mask less(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask less_equal(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
inline Mask equal(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask equal(I32 a, I32 b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
inline Mask both(Mask a, Mask b) { return {_mm256_and_ps(a.v, b.v)}; }
inline Mask either(Mask a, Mask b) { return {_mm256_or_ps(a.v, b.v)}; }
inline F32 select(Mask m, F32 yes, F32 no) { return {_mm256_blendv_ps(no.v, yes.v, m.v)}; }
inline I32 select(Mask m, I32 yes, I32 no) {
    return {_mm256_blendv_epi8(no.v, yes.v, _mm256_castps_si256(m.v))};
}

inline F32 round_even(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
inline I32 to_int(F32 a) { return {_mm256_cvttps_epi32(a.v)}; }
inline F32 to_float(I32 a) { return {_mm256_cvtepi32_ps(a.v)}; }

inline I32 operator+(I32 a, I32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
inline I32 operator-(I32 a, I32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
inline I32 operator&(I32 a, I32 b) { return {_mm256_and_si256(a.v, b.v)}; }
inline I32 operator|(I32 a, I32 b) { return {_mm256_or_si256(a.v, b.v)}; }
template <int n>
inline I32 shift_left(I32 a) {
    return {_mm256_slli_epi32(a.v, n)};
}
template <int n>
inline I32 shift_right(I32 a) {
    return {_mm256_srai_epi32(a.v, n)};
}

inline void store_interleaved(float* p, F32 a, F32 b) {
    const __m256 low = _mm256_unpacklo_ps(a.v, b.v), high = _mm256_unpackhi_ps(a.v, b.v);
    _mm256_storeu_ps(p, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(low, high, 0x31));
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
