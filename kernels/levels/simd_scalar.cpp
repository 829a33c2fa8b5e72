// Every kernel at the scalar level.
#define HPCM_LEVEL scalar
#define HPCM_SIMD_SCALAR
#include "level.h"
