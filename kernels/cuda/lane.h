// The vector type of kernels/levels/simd.h for one thread of a graphics card: one lane. Correctly rounded operations by
// name, so that no compiler option can fuse or approximate them; that subnormals are kept is the build's --ftz=false.
#pragma once

#define HPCM_LEVEL cuda
#define HPCM_FUNCTION __device__ inline

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

struct F32 {
    float v;
};
struct I32 {
    int v;
};
struct Mask {
    bool v;
};

HPCM_FUNCTION F32 splat(float x) { return {x}; }
HPCM_FUNCTION I32 splat_int(int x) { return {x}; }
HPCM_FUNCTION F32 operator+(F32 a, F32 b) { return {__fadd_rn(a.v, b.v)}; }
HPCM_FUNCTION F32 operator-(F32 a, F32 b) { return {__fsub_rn(a.v, b.v)}; }
HPCM_FUNCTION F32 operator*(F32 a, F32 b) { return {__fmul_rn(a.v, b.v)}; }
HPCM_FUNCTION F32 operator/(F32 a, F32 b) { return {__fdiv_rn(a.v, b.v)}; }
HPCM_FUNCTION F32 fma(F32 a, F32 b, F32 c) { return {__fmaf_rn(a.v, b.v, c.v)}; }
HPCM_FUNCTION F32 negate(F32 a) { return {-a.v}; }
HPCM_FUNCTION Mask less(F32 a, F32 b) { return {a.v < b.v}; }
HPCM_FUNCTION Mask less_equal(F32 a, F32 b) { return {a.v <= b.v}; }
HPCM_FUNCTION F32 select(Mask m, F32 yes, F32 no) { return m.v ? yes : no; }
HPCM_FUNCTION F32 round_even(F32 a) { return {rintf(a.v)}; }
HPCM_FUNCTION I32 to_int(F32 a) { return {static_cast<int>(a.v)}; }
HPCM_FUNCTION I32 operator+(I32 a, I32 b) { return {a.v + b.v}; }
template <int n>
HPCM_FUNCTION I32 shift_left(I32 a) {
    return {a.v << n};
}
HPCM_FUNCTION F32 from_bits(I32 a) { return {__int_as_float(a.v)}; }

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
