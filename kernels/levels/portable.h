// What compilers spell differently: GCC and Clang, for Windows too, on one side, Microsoft's on the other.
//
// Level sources (simd.h) share no inline function, so there are only macros here.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define HPCM_X86_64
#elif defined(__aarch64__)
#define HPCM_AARCH64
#elif defined(__wasm__)
#define HPCM_WASM
#else
#error "supported processors: x86-64, AArch64 and WebAssembly with GCC or Clang"
#endif

#if defined(_MSC_VER) && !defined(__clang__) && !defined(HPCM_MSVC)
#define HPCM_MSVC  // `make test-windows` defines it, to run the branches below with a compiler that is at hand
#endif

#if defined(HPCM_MSVC)

#include <intrin.h>
#if defined(_MSC_VER)
#pragma fp_contract(off)  // /fp:precise once allowed the contraction of a * b + c
#endif
#define HPCM_ALWAYS_INLINE __forceinline
#define HPCM_INLINE_LAMBDA
#define HPCM_PREFETCH(address) _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T0)
#define HPCM_PREFETCH_WRITE(address) HPCM_PREFETCH(address)
#define HPCM_PREFETCH_LATER(address) _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T1)
#define HPCM_UNLIKELY(condition) (condition)
#define HPCM_UNROLL

#else

#define HPCM_ALWAYS_INLINE [[gnu::always_inline]] inline
#define HPCM_INLINE_LAMBDA __attribute__((always_inline))
#define HPCM_PREFETCH(address) __builtin_prefetch(address, 0)
#define HPCM_PREFETCH_WRITE(address) __builtin_prefetch(address, 1)
#define HPCM_PREFETCH_LATER(address) __builtin_prefetch(address, 0, 2)
#define HPCM_UNLIKELY(condition) __builtin_expect(condition, 0)
#if defined(HPCM_WASM)  // engines then took a third longer
#define HPCM_UNROLL
#elif defined(__clang__)
#define HPCM_UNROLL _Pragma("clang loop unroll_count(4)")
#else
#define HPCM_UNROLL _Pragma("GCC unroll 4")
#endif

#endif
