// One thin vector type per instruction set, all with the same functions, so that every kernel is written once.
//
// A level's source (simd_avx2.cpp, ...) defines HPCM_LEVEL and one HPCM_SIMD_* macro, then includes level.h. Everything
// lives in an unnamed namespace inside hpcm::HPCM_LEVEL: were two levels to share one inline function, the linker would
// keep a single copy and an older processor could run AVX-512 code. For the same reason level sources use no templates
// of the standard library.
//
// Types      F32, I32, Mask of kLanes lanes.
// Memory     load(p), load(p, n), store(p, v), store(p, v, n): unaligned; n in 0..kLanes touches n elements, others read 0.
//            load_int, store_int: the same for int32_t. store_interleaved(p, a, b): a[0], b[0], a[1], b[1], ...
// Arithmetic + - * / sqrt, fma(a, b, c) = a*b+c rounded once, negate, absolute. All IEEE-754, nearest even.
// Compare    less, less_equal, equal -> Mask (false on NaN); select(mask, yes, no); both(a, b), either(a, b).
// Integers   splat_int, + - & |, shift_left<n>, shift_right<n> (arithmetic), equal; round_even(F32);
//            to_int(F32) of an integral value in range; to_float(I32); bits(F32), from_bits(I32).
#pragma once

#if !defined(HPCM_LEVEL)
#error "simd.h is included through level.h by a file that defines HPCM_LEVEL"
#endif

#include "portable.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(HPCM_SIMD_SCALAR)
#include "simd_scalar.h"
#elif defined(HPCM_SIMD_AVX2)
#include "simd_avx2.h"
#elif defined(HPCM_SIMD_AVX512)
#include "simd_avx512.h"
#elif defined(HPCM_SIMD_NEON)
#include "simd_neon.h"
#elif defined(HPCM_SIMD_WASM)
#include "simd_wasm.h"
#else
#error "no instruction set chosen"
#endif
