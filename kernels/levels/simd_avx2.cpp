// Every kernel at the avx2 level; setup.py compiles this file with the level's flags.
#define HPCM_LEVEL avx2
#define HPCM_SIMD_AVX2
#include "level.h"
