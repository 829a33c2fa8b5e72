// Every kernel at the avx512 level; setup.py compiles this file with the level's flags.
#define HPCM_LEVEL avx512
#define HPCM_SIMD_AVX512
#include "level.h"
