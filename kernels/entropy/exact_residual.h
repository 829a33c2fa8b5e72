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

class ResidualModel {
public:
    explicit ResidualModel(int depth)
        : levels_(depth + 3), straight_(kContexts * size_t(levels_)), diagonal_(kContexts * size_t(levels_)), rest_(size_t(levels_)) {}

    // Codes `sample` (ignored by a decoder) of a channel that has predicted; returns it, or its approximation. Order: how many
    // channels came before that matter.
    template <int Order, typename Coder>
    int32_t code(Coder& coder, const Channel& c, const Around& a, int32_t sample);

private:
    static constexpr size_t kContexts = 441;
    static constexpr uint64_t kFarthest = 1 << 17;
    static constexpr uint32_t kSteps = 7;    // beyond these a number follows

    template <int Order>
    int level(const Channel& c, const Around& a) const;
    template <typename Coder>
    int32_t residual(Coder& coder, Place* first, Place* second, int level, int32_t q);

    int levels_;
    Places straight_, diagonal_;
    std::vector<Numbers> rest_;
};

// The scale of what is expected, in octaves.
template <int Order>
int ResidualModel::level(const Channel& c, const Around& a) const {
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

// Which sixteenth of what the level spans, then what is left.
template <typename Coder>
int32_t ResidualModel::residual(Coder& coder, Place* first, Place* second, int level, int32_t q) {
    const int shift = level ? level - 1 : 0;
    const uint32_t size = uint32_t(q < 0 ? -q - 1 : q);
    uint32_t steps = size >> shift;
    const int half = int(std::min(steps, kSteps));
    const int symbol = code_symbol(coder, first, second, q < 0 ? 7 - half : 8 + half);
    const bool negative = symbol < 8;
    if (symbol == 0 || symbol == 15) {
        steps = kSteps + rest_[size_t(level)].code(coder, steps - kSteps);
    } else {
        steps = uint32_t(negative ? 7 - symbol : symbol - 8);
    }
    uint64_t found = steps;
    if (shift) found = found << shift | coder.code_raw(size & ((uint32_t(1) << shift) - 1), shift);
    const int32_t bounded = int32_t(std::min(found, kFarthest));
    return negative ? -bounded - 1 : bounded;
}

template <int Order, typename Coder>
int32_t ResidualModel::code(Coder& coder, const Channel& c, const Around& a, int32_t sample) {
    const int32_t full = clamp(c.prediction + a.base * kUnit, 0, a.last * kUnit);
    const int32_t start = (full + kUnit / 2) >> kFraction;
    const int flip = full - start * kUnit >= 0 ? -1 : 1;    // so that a prediction between two samples looks the same from both
    const int level = this->level<Order>(c, a), shift = level ? level - 1 : 0;

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

    const int32_t step = 2 * a.near + 1;
    int32_t q = 0;
    if (!Coder::kDecodes) q = (sample - start) * flip;
    if (!Coder::kDecodes && a.near) q = q < 0 ? -((a.near - q) / step) : (q + a.near) / step;
    q = residual(coder, first, second, level, q);
    return clamp(start + q * flip * step, 0, a.last);
}

}  // namespace hpcm::exact
