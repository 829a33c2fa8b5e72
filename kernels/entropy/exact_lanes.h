// Eight 16-bit integers at once, for the exact coder: SSE2, NEON, WebAssembly's SIMD, or plain loops, all with equal results.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#define HPCM_EXACT_SSE2
#include <emmintrin.h>
#elif defined(__aarch64__)
#define HPCM_EXACT_NEON
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#define HPCM_EXACT_WASM
#include <wasm_simd128.h>
#endif

namespace hpcm::exact {

// Sum of n products; n is a multiple of 8. The sum must fit.
template <int N>
inline int32_t lanes_dot(const int16_t* a, const int16_t* b) {
#if defined(HPCM_EXACT_SSE2)
    __m128i sum = _mm_setzero_si128();
    for (int i = 0; i < N; i += 8) {
        const __m128i x = _mm_load_si128(reinterpret_cast<const __m128i*>(a + i));
        sum = _mm_add_epi32(sum, _mm_madd_epi16(x, _mm_load_si128(reinterpret_cast<const __m128i*>(b + i))));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return _mm_cvtsi128_si32(sum);
#elif defined(HPCM_EXACT_NEON)
    int32x4_t sum = vdupq_n_s32(0);
    for (int i = 0; i < N; i += 8) {
        const int16x8_t x = vld1q_s16(a + i), y = vld1q_s16(b + i);
        sum = vmlal_high_s16(vmlal_s16(sum, vget_low_s16(x), vget_low_s16(y)), x, y);
    }
    return vaddvq_s32(sum);
#elif defined(HPCM_EXACT_WASM)
    v128_t sum = wasm_i32x4_splat(0);
    for (int i = 0; i < N; i += 8) sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_v128_load(a + i), wasm_v128_load(b + i)));
    return wasm_i32x4_extract_lane(sum, 0) + wasm_i32x4_extract_lane(sum, 1) + wasm_i32x4_extract_lane(sum, 2) +
           wasm_i32x4_extract_lane(sum, 3);
#else
    int32_t sum = 0;
    for (int i = 0; i < N; ++i) sum += int32_t(a[i]) * b[i];
    return sum;
#endif
}

// full += inputs * step * 2^Shift modulo 2^32, half = the upper halves of full.
template <int N, int Shift>
inline void lanes_learn(uint32_t* full, int16_t* half, const int16_t* inputs, int16_t step) {
#if defined(HPCM_EXACT_SSE2)
    const __m128i factor = _mm_set1_epi16(step), zero = _mm_setzero_si128();
    for (int i = 0; i < N; i += 8) {
        const __m128i x = _mm_load_si128(reinterpret_cast<const __m128i*>(inputs + i));
        __m128i* f = reinterpret_cast<__m128i*>(full + i);
        const __m128i low = _mm_slli_epi32(_mm_madd_epi16(_mm_unpacklo_epi16(x, zero), factor), Shift);
        const __m128i high = _mm_slli_epi32(_mm_madd_epi16(_mm_unpackhi_epi16(x, zero), factor), Shift);
        const __m128i a = _mm_add_epi32(_mm_load_si128(f), low), b = _mm_add_epi32(_mm_load_si128(f + 1), high);
        _mm_store_si128(f, a);
        _mm_store_si128(f + 1, b);
        const __m128i packed = _mm_packs_epi32(_mm_srai_epi32(a, 16), _mm_srai_epi32(b, 16));
        _mm_store_si128(reinterpret_cast<__m128i*>(half + i), packed);
    }
#elif defined(HPCM_EXACT_NEON)
    for (int i = 0; i < N; i += 8) {
        const int16x8_t x = vld1q_s16(inputs + i);
        const int32x4_t low = vshlq_n_s32(vmull_n_s16(vget_low_s16(x), step), Shift);
        const int32x4_t high = vshlq_n_s32(vmull_high_n_s16(x, step), Shift);
        const uint32x4_t a = vaddq_u32(vld1q_u32(full + i), vreinterpretq_u32_s32(low));
        const uint32x4_t b = vaddq_u32(vld1q_u32(full + i + 4), vreinterpretq_u32_s32(high));
        vst1q_u32(full + i, a);
        vst1q_u32(full + i + 4, b);
        vst1q_s16(half + i, vreinterpretq_s16_u16(vcombine_u16(vshrn_n_u32(a, 16), vshrn_n_u32(b, 16))));
    }
#else
    for (int i = 0; i < N; ++i) {
        full[i] += uint32_t(int32_t(inputs[i]) * step) << Shift;
        half[i] = int16_t(int32_t(full[i]) >> 16);
    }
#endif
}

}  // namespace hpcm::exact
