// The scalar level: one lane. It runs on any processor and is the definition that the other levels are held to.
#pragma once

#include "soft_fma.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kLanes = 1;

struct F32 {
    float v;
};
struct I32 {
    int32_t v;
};
struct Mask {
    bool v;
};

inline F32 splat(float x) { return {x}; }
inline I32 splat_int(int32_t x) { return {x}; }

inline F32 load(const float* p) { return {*p}; }
inline F32 load(const float* p, int n) { return {n > 0 ? *p : 0.0f}; }
inline void store(float* p, F32 a) { *p = a.v; }
inline void store(float* p, F32 a, int n) {
    if (n > 0) *p = a.v;
}
inline I32 load_int(const int32_t* p) { return {*p}; }
inline I32 load_int(const int32_t* p, int n) { return {n > 0 ? *p : 0}; }
inline void store_int(int32_t* p, I32 a) { *p = a.v; }
inline void store_int(int32_t* p, I32 a, int n) {
    if (n > 0) *p = a.v;
}

inline F32 operator+(F32 a, F32 b) { return {a.v + b.v}; }
inline F32 operator-(F32 a, F32 b) { return {a.v - b.v}; }
inline F32 operator*(F32 a, F32 b) { return {a.v * b.v}; }
inline F32 operator/(F32 a, F32 b) { return {a.v / b.v}; }
#if defined(__aarch64__) || defined(__FMA__)
inline F32 fma(F32 a, F32 b, F32 c) { return {__builtin_fmaf(a.v, b.v, c.v)}; }
#else
inline F32 fma(F32 a, F32 b, F32 c) { return {soft_fma(a.v, b.v, c.v)}; }
#endif

inline I32 bits(F32 a) {
    I32 r;
    std::memcpy(&r, &a, sizeof r);
    return r;
}
inline F32 from_bits(I32 a) {
    F32 r;
    std::memcpy(&r, &a, sizeof r);
    return r;
}
inline F32 negate(F32 a) { return {-a.v}; }
#if defined(HPCM_MSVC)
inline F32 sqrt(F32 a) { return {_mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a.v)))}; }
inline F32 absolute(F32 a) { return from_bits({bits(a).v & INT32_MAX}); }
inline F32 copy_sign(F32 a, F32 sign) { return from_bits({(bits(a).v & INT32_MAX) | (bits(sign).v & INT32_MIN)}); }
#else
inline F32 sqrt(F32 a) { return {__builtin_sqrtf(a.v)}; }
inline F32 absolute(F32 a) { return {__builtin_fabsf(a.v)}; }
inline F32 copy_sign(F32 a, F32 sign) { return {__builtin_copysignf(a.v, sign.v)}; }
#endif

inline Mask less(F32 a, F32 b) { return {a.v < b.v}; }
inline Mask less_equal(F32 a, F32 b) { return {a.v <= b.v}; }
inline Mask equal(F32 a, F32 b) { return {a.v == b.v}; }
inline Mask equal(I32 a, I32 b) { return {a.v == b.v}; }
inline Mask both(Mask a, Mask b) { return {a.v && b.v}; }
inline Mask either(Mask a, Mask b) { return {a.v || b.v}; }
inline F32 select(Mask m, F32 yes, F32 no) { return m.v ? yes : no; }
inline I32 select(Mask m, I32 yes, I32 no) { return m.v ? yes : no; }

// Adding and subtracting 1.5 * 2^23 rounds to an integer in the current (nearest even) mode; larger values are integers.
inline F32 round_even(F32 a) {
    const float magnitude = absolute(a).v;
    const F32 rounded = {(magnitude + 8388608.0f) - 8388608.0f};
    return magnitude < 8388608.0f ? copy_sign(rounded, a) : a;
}
inline I32 to_int(F32 a) { return {static_cast<int32_t>(a.v)}; }
inline F32 to_float(I32 a) { return {static_cast<float>(a.v)}; }

// Sums wrap, as vector instructions do.
inline I32 operator+(I32 a, I32 b) { return {static_cast<int32_t>(static_cast<uint32_t>(a.v) + static_cast<uint32_t>(b.v))}; }
inline I32 operator-(I32 a, I32 b) { return {static_cast<int32_t>(static_cast<uint32_t>(a.v) - static_cast<uint32_t>(b.v))}; }
inline I32 operator&(I32 a, I32 b) { return {a.v & b.v}; }
inline I32 operator|(I32 a, I32 b) { return {a.v | b.v}; }
template <int n>
inline I32 shift_left(I32 a) {
    return {static_cast<int32_t>(static_cast<uint32_t>(a.v) << n)};
}
template <int n>
inline I32 shift_right(I32 a) {
    return {a.v >> n};
}

inline void store_interleaved(float* p, F32 a, F32 b) {
    p[0] = a.v;
    p[1] = b.v;
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
