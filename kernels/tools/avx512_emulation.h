// The AVX-512 intrinsics that simd_avx512.h uses, from pairs of AVX2 registers, as Intel's guide defines them. Tests build
// the AVX-512 level with this header, so that its sixteen-lane logic runs on processors that lack the instructions.
#pragma once

#include <immintrin.h>

#include <cstring>

namespace hpcm_emulation {

struct Float16x {
    __m256 low, high;
};
struct Int16x {
    __m256i low, high;
};
using Bits = __mmask16;

// Full-width masks of eight lanes from the bits at `shift`.
inline __m256i lanes(Bits mask, int shift) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask >> shift), bit), bit);
}
inline Bits pack_bits(__m256 low, __m256 high) {
    return static_cast<Bits>(_mm256_movemask_ps(low) | _mm256_movemask_ps(high) << 8);
}

inline Float16x set1_ps(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Int16x set1_epi32(int x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline Float16x loadu_ps(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void storeu_ps(float* p, Float16x a) {
    _mm256_storeu_ps(p, a.low);
    _mm256_storeu_ps(p + 8, a.high);
}
inline Float16x maskz_loadu_ps(Bits m, const float* p) {
    return {_mm256_maskload_ps(p, lanes(m, 0)), _mm256_maskload_ps(p + 8, lanes(m, 8))};
}
inline void mask_storeu_ps(float* p, Bits m, Float16x a) {
    _mm256_maskstore_ps(p, lanes(m, 0), a.low);
    _mm256_maskstore_ps(p + 8, lanes(m, 8), a.high);
}
inline Int16x loadu_si512(const int* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline void storeu_si512(int* p, Int16x a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.high);
}
inline Int16x maskz_loadu_epi32(Bits m, const int* p) {
    return {_mm256_maskload_epi32(p, lanes(m, 0)), _mm256_maskload_epi32(p + 8, lanes(m, 8))};
}
inline void mask_storeu_epi32(int* p, Bits m, Int16x a) {
    _mm256_maskstore_epi32(p, lanes(m, 0), a.low);
    _mm256_maskstore_epi32(p + 8, lanes(m, 8), a.high);
}

// Operations that treat both halves alike.
#define HPCM_UNARY(name, result, argument, function) \
    inline result name(argument a) { return {function(a.low), function(a.high)}; }
#define HPCM_BINARY(name, type, function) \
    inline type name(type a, type b) { return {function(a.low, b.low), function(a.high, b.high)}; }
HPCM_BINARY(add_ps, Float16x, _mm256_add_ps)
HPCM_BINARY(sub_ps, Float16x, _mm256_sub_ps)
HPCM_BINARY(mul_ps, Float16x, _mm256_mul_ps)
HPCM_BINARY(div_ps, Float16x, _mm256_div_ps)
HPCM_BINARY(xor_ps, Float16x, _mm256_xor_ps)
HPCM_BINARY(andnot_ps, Float16x, _mm256_andnot_ps)
HPCM_BINARY(add_epi32, Int16x, _mm256_add_epi32)
HPCM_BINARY(sub_epi32, Int16x, _mm256_sub_epi32)
HPCM_BINARY(and_si512, Int16x, _mm256_and_si256)
HPCM_BINARY(or_si512, Int16x, _mm256_or_si256)
HPCM_UNARY(sqrt_ps, Float16x, Float16x, _mm256_sqrt_ps)
HPCM_UNARY(castps_si512, Int16x, Float16x, _mm256_castps_si256)
HPCM_UNARY(castsi512_ps, Float16x, Int16x, _mm256_castsi256_ps)
HPCM_UNARY(cvttps_epi32, Int16x, Float16x, _mm256_cvttps_epi32)
HPCM_UNARY(cvtepi32_ps, Float16x, Int16x, _mm256_cvtepi32_ps)
#undef HPCM_UNARY
#undef HPCM_BINARY

inline Float16x fmadd_ps(Float16x a, Float16x b, Float16x c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
template <int mode>
inline Float16x roundscale(Float16x a) {
    return {_mm256_round_ps(a.low, mode), _mm256_round_ps(a.high, mode)};
}
template <int predicate>
inline Bits cmp_mask(Float16x a, Float16x b) {
    return pack_bits(_mm256_cmp_ps(a.low, b.low, predicate), _mm256_cmp_ps(a.high, b.high, predicate));
}
inline Bits cmpeq_epi32_mask(Int16x a, Int16x b) {
    return pack_bits(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.low, b.low)),
                     _mm256_castsi256_ps(_mm256_cmpeq_epi32(a.high, b.high)));
}
inline Float16x mask_blend_ps(Bits m, Float16x no, Float16x yes) {
    return {_mm256_blendv_ps(no.low, yes.low, _mm256_castsi256_ps(lanes(m, 0))),
            _mm256_blendv_ps(no.high, yes.high, _mm256_castsi256_ps(lanes(m, 8)))};
}
inline Int16x mask_blend_epi32(Bits m, Int16x no, Int16x yes) {
    return {_mm256_blendv_epi8(no.low, yes.low, lanes(m, 0)), _mm256_blendv_epi8(no.high, yes.high, lanes(m, 8))};
}
inline Int16x setr_epi32(const int (&values)[16]) { return loadu_si512(values); }
inline Float16x permutex2var_ps(Float16x a, Int16x index, Float16x b) {
    float from[32], to[16];
    int places[16];
    storeu_ps(from, a);
    storeu_ps(from + 16, b);
    storeu_si512(places, index);
    for (int lane = 0; lane < 16; ++lane) to[lane] = from[places[lane] & 31];
    return loadu_ps(to);
}
inline Int16x slli_epi32(Int16x a, int n) { return {_mm256_slli_epi32(a.low, n), _mm256_slli_epi32(a.high, n)}; }
inline Int16x srai_epi32(Int16x a, int n) { return {_mm256_srai_epi32(a.low, n), _mm256_srai_epi32(a.high, n)}; }

}  // namespace hpcm_emulation

#define __m512 hpcm_emulation::Float16x
#define __m512i hpcm_emulation::Int16x
#define _mm512_add_epi32 hpcm_emulation::add_epi32
#define _mm512_add_ps hpcm_emulation::add_ps
#define _mm512_and_si512 hpcm_emulation::and_si512
#define _mm512_andnot_ps hpcm_emulation::andnot_ps
#define _mm512_castps_si512 hpcm_emulation::castps_si512
#define _mm512_castsi512_ps hpcm_emulation::castsi512_ps
#define _mm512_cmp_ps_mask(a, b, predicate) hpcm_emulation::cmp_mask<predicate>(a, b)
#define _mm512_cmpeq_epi32_mask hpcm_emulation::cmpeq_epi32_mask
#define _mm512_cvtepi32_ps hpcm_emulation::cvtepi32_ps
#define _mm512_cvttps_epi32 hpcm_emulation::cvttps_epi32
#define _mm512_div_ps hpcm_emulation::div_ps
#define _mm512_fmadd_ps hpcm_emulation::fmadd_ps
#define _mm512_loadu_ps hpcm_emulation::loadu_ps
#define _mm512_loadu_si512 hpcm_emulation::loadu_si512
#define _mm512_mask_blend_epi32 hpcm_emulation::mask_blend_epi32
#define _mm512_mask_blend_ps hpcm_emulation::mask_blend_ps
#define _mm512_mask_storeu_epi32 hpcm_emulation::mask_storeu_epi32
#define _mm512_mask_storeu_ps hpcm_emulation::mask_storeu_ps
#define _mm512_maskz_loadu_epi32 hpcm_emulation::maskz_loadu_epi32
#define _mm512_maskz_loadu_ps hpcm_emulation::maskz_loadu_ps
#define _mm512_mul_ps hpcm_emulation::mul_ps
#define _mm512_or_si512 hpcm_emulation::or_si512
#define _mm512_permutex2var_ps hpcm_emulation::permutex2var_ps
#define _mm512_roundscale_ps(a, mode) hpcm_emulation::roundscale<mode>(a)
#define _mm512_set1_epi32 hpcm_emulation::set1_epi32
#define _mm512_set1_ps hpcm_emulation::set1_ps
#undef _mm512_setr_epi32
#define _mm512_setr_epi32(...) hpcm_emulation::setr_epi32({__VA_ARGS__})
#define _mm512_slli_epi32 hpcm_emulation::slli_epi32
#define _mm512_sqrt_ps hpcm_emulation::sqrt_ps
#define _mm512_srai_epi32 hpcm_emulation::srai_epi32
#define _mm512_storeu_ps hpcm_emulation::storeu_ps
#define _mm512_storeu_si512 hpcm_emulation::storeu_si512
#define _mm512_sub_epi32 hpcm_emulation::sub_epi32
#define _mm512_sub_ps hpcm_emulation::sub_ps
#define _mm512_xor_ps hpcm_emulation::xor_ps
