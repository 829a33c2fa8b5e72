// The step of trellis_ops.h for one instruction set.
#pragma once

#include "trellis_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kHalf = kTrellisStates / 2, kBlocks = kHalf / kLanes;
constexpr int kWords = (2 * kBlocks + 31) / 32;    // per lane
static_assert(kWords * kLanes <= static_cast<int>(kTrellisChoices), "choices do not fit");

// Bits of state 2 * m + u are kept by lane, m mod kLanes, in the order of blocks, m / kLanes.
constexpr int choice_bit(int block, int u) { return u * kBlocks + block; }

// Of states below kHalf: the quantiser, and the parity of a symbol with input 0.
struct TrellisTaps {
    int32_t quantiser[kHalf], parity[kHalf];

    constexpr TrellisTaps() : quantiser(), parity() {
        for (int m = 0; m < kHalf; ++m) {
            quantiser[m] = trellis_quantiser(m);
            parity[m] = odd_ones(m & kParityTaps);
        }
    }
};
constexpr TrellisTaps kTaps;

// Costs of the branches of a block of states m, input 0 or 1, for the four ways in which the lanes' own taps may be flipped by
// those of the block.
struct BranchCosts {
    F32 of[2][2];

    explicit BranchCosts(const float* branches) {
        const I32 one = splat_int(1);
        const Mask second = equal(load_int(kTaps.quantiser), one), odd = equal(load_int(kTaps.parity), one);
        for (int q = 0; q < 2; ++q) {
            const float *same = branches + 2 * q, *other = branches + 2 * (1 - q);
            for (int p = 0; p < 2; ++p) {
                of[q][p] = select(second, select(odd, splat(other[1 - p]), splat(other[p])), select(odd, splat(same[1 - p]), splat(same[p])));
            }
        }
    }
};

void advance_trellis(const float* costs, const float* branches, float* next, int32_t* choices) {
    const BranchCosts branch(branches);
    I32 chosen[kWords];
    for (I32& word : chosen) word = splat_int(0);
    for (int block = 0; block < kBlocks; ++block) {
        const int m = block * kLanes, q = kTaps.quantiser[m], p = kTaps.parity[m];
        const F32 low = load(costs + m), high = load(costs + kHalf + m);    // of opposite parity for the same input
        F32 best[2];
        for (int u = 0; u < 2; ++u) {
            const F32 from_low = low + branch.of[q][p ^ u], from_high = high + branch.of[q][p ^ u ^ 1];
            const Mask higher = less(from_high, from_low);
            best[u] = select(higher, from_high, from_low);
            const int bit = choice_bit(block, u);
            chosen[bit / 32] = chosen[bit / 32] | select(higher, splat_int(static_cast<int32_t>(1u << bit % 32)), splat_int(0));
        }
        store_interleaved(next + 2 * m, best[0], best[1]);
    }
    for (int word = 0; word < kWords; ++word) store_int(choices + word * kLanes, chosen[word]);
}

bool trellis_from_high(const int32_t* choices, int state) {
    const int m = state / 2, bit = choice_bit(m / kLanes, state % 2);
    return static_cast<uint32_t>(choices[bit / 32 * kLanes + m % kLanes]) >> bit % 32 & 1;
}

constexpr TrellisOps kTrellisOps = {advance_trellis, trellis_from_high};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
