// How fast a processor multiplies and adds: what speeds of kernels are measured against.
#pragma once

#include <cstdint>

namespace hpcm {

struct RateOps {
    // Runs `rounds` times independent chains of fma in registers; returns something that depends on all.
    float (*chains)(int64_t rounds);
    int multiply_adds;  // in a round
};

}  // namespace hpcm
