// What adapts in the exact coder: probabilities of bits, and weights of predictions. Integers only.
// Normative description: formats/EXACT.md, "Models".
#pragma once

#include <cstddef>
#include <cstdint>

#include "exact_lanes.h"

namespace hpcm::exact {

constexpr int kStretchLimit = 2047;    // log-odds of one model, in units of 1/256
constexpr int kSquashLimit = 2815;     // of what is mixed from several

struct ModelTables {
    int16_t stretch[4096];                     // log-odds of a probability in units of 2^-12
    uint16_t squash[2 * kSquashLimit + 1];     // probability in units of 2^-16 of log-odds from -kSquashLimit on
    uint16_t rate[256];                        // of adaptation, by the number of bits seen
    uint16_t reciprocal[256];                  // 2^15 / i for i from 128 on
    static constexpr int kLargest = 320;
    int8_t classes[2 * kLargest + 1];          // of residuals from -kLargest on
};
extern const ModelTables kTables;

inline int32_t clamp(int32_t v, int32_t low, int32_t high) { return v < low ? low : v > high ? high : v; }
inline int32_t magnitude(int32_t v) { return v < 0 ? -v : v; }

// A probability that a bit is one: 22 bits of it, and below them ten bits that count how often it was used, up to kLimit.
struct Slot {
    static constexpr uint32_t kLimit = 255;
    uint32_t state = uint32_t(1) << 31;

    int32_t log_odds() const { return kTables.stretch[state >> 20]; }
    uint32_t probability() const {
        const uint32_t p = state >> 16;
        return p < 32 ? 32 : p > 65504 ? 65504 : p;
    }
    void update(int bit) {
        const uint32_t count = state & 1023;
        const int32_t distance = bit * (1 << 22) - int32_t(state >> 10);
        state += (uint32_t(distance >> 3) * kTables.rate[count] & ~uint32_t(1023)) + (count < kLimit ? 1 : 0);
    }
};

// Mixes the opinions of seven models, as log-odds, into one probability.
struct Mix {
    static constexpr int kInputs = 8;
    static constexpr int kConstant = 256;    // the last input
    using Set = Weights<kInputs>;

    Lanes inputs;
    uint32_t p = 0;

    // Probability of a one in units of 2^-16, kept away from certainty.
    uint32_t probability(const Set& set) {
        const int32_t x = clamp(set.dot(&inputs) >> 13, -kSquashLimit, kSquashLimit);
        p = kTables.squash[kSquashLimit + x];
        return p < 16 ? 16 : p > 65520 ? 65520 : p;
    }
    void update(Set& set, int bit, int rate) { set.update(&inputs, int16_t((bit * 65535 - int32_t(p)) >> rate)); }
};

}  // namespace hpcm::exact
