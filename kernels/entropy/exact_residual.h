// Codes one sample given its prediction: how far off it is, as one of sixteen symbols and what they leave open.
// Normative description: formats/EXACT.md, "Literals".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_channel.h"
#include "exact_model.h"
#include "exact_plan.h"
#include "exact_symbols.h"
#include "portable.h"

namespace hpcm::exact {

// What is known of a sample besides its channel's past.
struct Around {
    int32_t base;                            // what its value is relative to
    int32_t last;                            // its highest value
    int32_t residual1 = 0, residual2 = 0;    // of the channels before, here
    int32_t activity = -1;                   // of the reference, 0..8; -1 without one
    int32_t near = 0;                        // greatest error allowed
};

// -4..4, r in units of 2^-kFraction
inline int32_t residual_class(int32_t r) {
    return kTables.classes[clamp(r, -ModelTables::kLargest, ModelTables::kLargest) + ModelTables::kLargest];
}

// Where a sample's residual is coded.
struct Slotted {
    Place *first, *second;
    int level;
    int32_t start;    // the sample that is expected
    int flip;         // the sign of residuals
};

class ResidualModel {
public:
    explicit ResidualModel(int depth)
        : levels_(depth + 3), straight_(kContexts * size_t(levels_)), diagonal_(kContexts * size_t(levels_)), rest_(size_t(levels_)) {}

    // Of a channel that has predicted. Order: how many channels came before that matter.
    template <int Order>
    HPCM_ALWAYS_INLINE Slotted find(const Channel& c, const Around& a);
    // Codes `sample` (ignored by a decoder); returns it, or its approximation.
    template <typename Coder>
    HPCM_ALWAYS_INLINE int32_t code(Coder& coder, const Slotted& slotted, int32_t near, int32_t last, int32_t sample);

private:
    static constexpr size_t kContexts = 441;
    static constexpr uint64_t kFarthest = 1 << 17;
    static constexpr uint32_t kSteps = 7;    // beyond these a number follows

    template <int Order>
    HPCM_ALWAYS_INLINE int level(const Channel& c, const Around& a) const;
    template <typename Coder>
    HPCM_ALWAYS_INLINE int32_t residual(Coder& coder, const Slotted& slotted, int32_t q);

    int levels_;
    Places straight_, diagonal_;
    std::vector<Numbers> rest_;
};

// The scale of what is expected, in octaves.
template <int Order>
HPCM_ALWAYS_INLINE int ResidualModel::level(const Channel& c, const Around& a) const {
    const int16_t *r = c.sizes[0] + c.x, *r1 = c.sizes[1] + c.x;
    const uint32_t m = uint32_t(3 * (r[-1] + r1[0]) + 2 * (r1[1] + r1[-1]) + r[-2] + r1[2]);
    const uint32_t m1 = uint32_t(magnitude(a.residual1)), m2 = uint32_t(magnitude(a.residual2));
    // expected magnitude in units of 2^(scale - kFraction) / 6
    uint32_t energy = Order == 0 ? 4 * m : Order == 1 ? 3 * m + 12 * m1 : (8 * m + 32 * m1 + 16 * m2) / 3;
    energy = ((energy >> 5) + 4) << c.scale;
    if (a.near) energy = std::max(energy / uint32_t(2 * a.near + 1), uint32_t(4));
    const int octave = highest_bit(energy);
    return clamp(octave - 5 - (energy >> (octave - 2) < 6), 0, levels_ - 1);
}

template <int Order>
HPCM_ALWAYS_INLINE Slotted ResidualModel::find(const Channel& c, const Around& a) {
    const int32_t full = clamp(c.prediction + a.base * kUnit, 0, a.last * kUnit);
    const int32_t start = (full + kUnit / 2) >> kFraction;
    const int flip = full - start * kUnit >= 0 ? -1 : 1;    // so that a prediction between two samples looks the same from both
    const int level = this->level<Order>(c, a), shift = std::max(level - 1, 0);

    const int fine = std::max(shift - c.scale, 0);    // a step in units of the channel's
    const Lanes turn = Lanes::splat(int16_t(flip < 0 ? -1 : 0));
    const Lanes offset = Lanes::splat(int16_t(clamp((a.base - start) >> c.scale, -kNarrow, kNarrow)));
    const Lanes apart = (((c.near + offset) ^ turn) - turn).right(fine);
    const Lanes steps = min(max(apart, Lanes::splat(-3)), Lanes::splat(3)) + Lanes::splat(3);
    const auto class_of = [&](int32_t residual) { return residual_class(residual >> fine) * flip + 4; };
    const int32_t other = a.activity < 0 ? class_of(a.residual2) : a.activity;
    Sums crossed, diagonal;    // of left and above; of above to the left and to the right
    crossed.add_product(steps, Lanes::of(0, 9, 0, 0, 0, 0, 0, 63));
    diagonal.add_product(steps, Lanes::of(9, 0, 63, 0, 0, 0, 0, 0));
    const size_t row = size_t(level) * kContexts;
    Place* first = straight_[row + size_t(crossed.total() + class_of(a.residual1))];
    Place* second = diagonal_[row + size_t(diagonal.total() + other)];
    return {first, second, level, start, flip};
}

// Which sixteenth of what the level spans, then what is left.
template <typename Coder>
HPCM_ALWAYS_INLINE int32_t ResidualModel::residual(Coder& coder, const Slotted& slotted, int32_t q) {
    const int shift = std::max(slotted.level - 1, 0);
    const uint32_t size = uint32_t(q < 0 ? -q - 1 : q);
    uint32_t steps = size >> shift;
    const int half = int(std::min(steps, kSteps));
    const int symbol = code_symbol(coder, slotted.first, slotted.second, q < 0 ? 7 - half : 8 + half);
    const int32_t sign = symbol < 8 ? -1 : 0;
    if (HPCM_UNLIKELY(symbol == 0 || symbol == 15)) {
        steps = kSteps + rest_[size_t(slotted.level)].code(coder, steps - kSteps);
    } else {
        steps = uint32_t((symbol - 8) ^ sign);
    }
    const uint64_t found = uint64_t(steps) << shift | coder.code_raw(size, shift);
    return int32_t(std::min(found, kFarthest)) ^ sign;
}

template <typename Coder>
HPCM_ALWAYS_INLINE int32_t ResidualModel::code(Coder& coder, const Slotted& slotted, int32_t near, int32_t last, int32_t sample) {
    const int32_t step = 2 * near + 1;
    int32_t q = 0;
    if (!Coder::kDecodes) q = (sample - slotted.start) * slotted.flip;
    if (!Coder::kDecodes && near) q = q < 0 ? -((near - q) / step) : (q + near) / step;
    q = residual(coder, slotted, q);
    return clamp(slotted.start + q * slotted.flip * step, 0, last);
}

}  // namespace hpcm::exact
