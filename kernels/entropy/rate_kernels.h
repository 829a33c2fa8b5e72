// The chains of rate_ops.h for one instruction set.
#pragma once

#include "rate_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kRateChains = 12;  // hide the latency of fma, fit in the registers of every level

float run_chains(int64_t rounds) {
    F32 chains[kRateChains];
    for (int i = 0; i < kRateChains; ++i) chains[i] = splat(static_cast<float>(i));
    const F32 factor = splat(0.5f), addend = splat(1.0f);  // every chain tends to 2
    for (int64_t r = 0; r < rounds; ++r) {
        for (int i = 0; i < kRateChains; ++i) chains[i] = fma(chains[i], factor, addend);
    }
    F32 sum = chains[0];
    for (int i = 1; i < kRateChains; ++i) sum = sum + chains[i];
    float lanes[kLanes];
    store(lanes, sum);
    return lanes[0];
}

constexpr RateOps kRateOps = {run_chains, kRateChains * kLanes};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
