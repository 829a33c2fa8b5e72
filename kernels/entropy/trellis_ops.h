// The code of trellis.h, and the inner step of the search for its best path.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hpcm {

// The convolutional code of 256 states in Ungerboeck, "Channel coding with multilevel/phase signals" (1982), table I: parity
// checks 515 and 362, octal. A state is the last eight inputs, the latest one in its lowest bit. An odd number of ones in
// state & kQuantiserTaps means quantiser 1; the parity of a symbol is the input plus the ones in state & kParityTaps.
constexpr int kTrellisStates = 256, kQuantiserTaps = 121, kParityTaps = 166;

constexpr int odd_ones(int x) {
    int odd = 0;
    for (; x; x >>= 1) odd ^= x & 1;
    return odd;
}

constexpr int trellis_quantiser(int state) { return odd_ones(state & kQuantiserTaps); }
constexpr int next_trellis_state(int state, int parity) {
    return (state << 1 | (parity ^ odd_ones(state & kParityTaps))) % kTrellisStates;
}

constexpr size_t kTrellisChoices = 16;    // int32 that hold a bit for each state

struct TrellisOps {
    // The least costs of all states from those before one more symbol. branches[2 * q + p]: what the best symbol of parity p
    // costs with quantiser q. Both ways to a state come from states that differ in the highest bit; the choices say which.
    void (*advance)(const float* costs, const float* branches, float* next, int32_t* choices);
    // Whether the way to a state by `choices` comes from one with the highest bit; ties do not.
    bool (*from_high)(const int32_t* choices, int state);
};

}  // namespace hpcm
