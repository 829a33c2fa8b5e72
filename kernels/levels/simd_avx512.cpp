// Every kernel at the avx512 level; setup.py compiles this file with the level's flags.
#define HPCM_LEVEL avx512
#define HPCM_SIMD_AVX512
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own intrinsics, its bug 105593
#endif
#include "level.h"
