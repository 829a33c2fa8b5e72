// Every kernel at the neon level.
#define HPCM_LEVEL neon
#define HPCM_SIMD_NEON
#include "level.h"
