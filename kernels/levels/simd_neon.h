// NEON on AArch64: four lanes. (32-bit ARM flushes subnormals in NEON and is not supported.)
#pragma once

#include <arm_neon.h>

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kLanes = 4;

struct F32 {
    float32x4_t v;
};
struct I32 {
    int32x4_t v;
};
struct Mask {
    uint32x4_t v;
};

inline F32 splat(float x) { return {vdupq_n_f32(x)}; }
inline I32 splat_int(int32_t x) { return {vdupq_n_s32(x)}; }

inline F32 load(const float* p) { return {vld1q_f32(p)}; }
inline F32 load(const float* p, int n) {
    float lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
}
inline void store(float* p, F32 a) { vst1q_f32(p, a.v); }
inline void store(float* p, F32 a, int n) {
    float lanes[kLanes];
    store(lanes, a);
    for (int i = 0; i < n; ++i) p[i] = lanes[i];
}
inline I32 load_int(const int32_t* p) { return {vld1q_s32(p)}; }
inline I32 load_int(const int32_t* p, int n) {
    int32_t lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return load_int(lanes);
}
inline void store_int(int32_t* p, I32 a) { vst1q_s32(p, a.v); }
inline void store_int(int32_t* p, I32 a, int n) {
    int32_t lanes[kLanes];
    store_int(lanes, a);
    for (int i = 0; i < n; ++i) p[i] = lanes[i];
}

inline F32 operator+(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
inline F32 sqrt(F32 a) { return {vsqrtq_f32(a.v)}; }
inline F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }

inline I32 bits(F32 a) { return {vreinterpretq_s32_f32(a.v)}; }
inline F32 from_bits(I32 a) { return {vreinterpretq_f32_s32(a.v)}; }
inline F32 negate(F32 a) { return {vnegq_f32(a.v)}; }
inline F32 absolute(F32 a) { return {vabsq_f32(a.v)}; }

inline Mask less(F32 a, F32 b) { return {vcltq_f32(a.v, b.v)}; }
inline Mask less_equal(F32 a, F32 b) { return {vcleq_f32(a.v, b.v)}; }
inline Mask equal(F32 a, F32 b) { return {vceqq_f32(a.v, b.v)}; }
inline Mask equal(I32 a, I32 b) { return {vceqq_s32(a.v, b.v)}; }
inline Mask both(Mask a, Mask b) { return {vandq_u32(a.v, b.v)}; }
inline Mask either(Mask a, Mask b) { return {vorrq_u32(a.v, b.v)}; }
inline F32 select(Mask m, F32 yes, F32 no) { return {vbslq_f32(m.v, yes.v, no.v)}; }
inline I32 select(Mask m, I32 yes, I32 no) { return {vbslq_s32(m.v, yes.v, no.v)}; }

inline F32 round_even(F32 a) { return {vrndnq_f32(a.v)}; }
inline I32 to_int(F32 a) { return {vcvtq_s32_f32(a.v)}; }
inline F32 to_float(I32 a) { return {vcvtq_f32_s32(a.v)}; }

inline I32 operator+(I32 a, I32 b) { return {vaddq_s32(a.v, b.v)}; }
inline I32 operator-(I32 a, I32 b) { return {vsubq_s32(a.v, b.v)}; }
inline I32 operator&(I32 a, I32 b) { return {vandq_s32(a.v, b.v)}; }
inline I32 operator|(I32 a, I32 b) { return {vorrq_s32(a.v, b.v)}; }
template <int n>
inline I32 shift_left(I32 a) {
    return {vshlq_n_s32(a.v, n)};
}
template <int n>
inline I32 shift_right(I32 a) {
    return {vshrq_n_s32(a.v, n)};
}

inline void store_interleaved(float* p, F32 a, F32 b) { vst2q_f32(p, float32x4x2_t{{a.v, b.v}}); }

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
