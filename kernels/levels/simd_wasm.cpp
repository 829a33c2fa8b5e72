// Every kernel at the wasm level.
#define HPCM_LEVEL wasm
#define HPCM_SIMD_WASM
#include "level.h"
