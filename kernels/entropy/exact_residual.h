// Codes one sample given its prediction: contexts, and the residual as a few mixed binary decisions.
// Normative description: formats/EXACT.md, "Residuals".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_channel.h"
#include "exact_model.h"

namespace hpcm::exact {

// A table of slots in lines of sixteen, each line within one cache line.
class SlotLines {
public:
    explicit SlotLines(size_t lines) : slots_(16 * lines + 15) {
        first_ = slots_.data();
        while (reinterpret_cast<uintptr_t>(first_) % 64) ++first_;
    }
    SlotLines(const SlotLines&) = delete;
    SlotLines& operator=(const SlotLines&) = delete;
    Slot* operator[](size_t line) { return first_ + 16 * line; }

private:
    std::vector<Slot> slots_;
    Slot* first_;
};

// What is known of a sample besides its channel's past.
struct Around {
    int32_t base;                        // what its value is relative to
    int32_t last;                        // its highest value
    int32_t residual1 = 0, residual2 = 0;    // of the channels before, here
    int32_t activity = 0;                // of the reference, 0..8
    int order = 0;                       // how many channels came before, up to 2
    int32_t near = 0;                    // greatest error allowed
};

class ResidualModel {
public:
    static constexpr int kContexts = 6;

    explicit ResidualModel(int depth)
        : levels_(depth + 3), lines_(size_t(levels_) * kFirst[kContexts]), low_(size_t(levels_) * 4),
          mixes_(size_t(levels_) * 16, Mix::Set(1700)) {}

    // Codes `sample` (ignored by a decoder) of a channel that has predicted; returns it, or its approximation.
    template <typename Coder>
    int32_t code(Coder& coder, const Channel& c, const Around& a, int32_t sample);

private:
    static constexpr int kFirst[kContexts + 1] = {0, 729, 1458, 1701, 1797, 2526, 3255};    // of each kind of context
    static constexpr uint64_t kFarthest = 1 << 17;
    static constexpr int kLadder = 12;    // steps before the escape

    template <typename Coder>
    int decide(Coder& coder, int node, int bit) {
        const auto odds = [&](int i) { return line_[i][node].log_odds(); };
        mix_.inputs = Lanes::of(odds(0), odds(1), odds(2), odds(3), odds(4), odds(5), 0, Mix::kConstant);
        Mix::Set& set = mixes_[size_t(level_ * 16 + node)];
        bit = coder.code(bit, mix_.probability(set));
        mix_.update(set, bit, 2);
        for (int i = 0; i < kContexts; ++i) line_[i][node].update(bit);
        return bit;
    }
    template <typename Coder>
    int32_t residual(Coder& coder, int32_t q);
    template <typename Coder>
    uint32_t distance(Coder& coder, uint32_t value, int shift);

    int levels_;
    SlotLines lines_, low_;
    std::vector<Mix::Set> mixes_;
    Slot* line_[kContexts];
    Mix mix_;
    int level_ = 0;
};

// A number >= 0: how many whole steps of 2^shift, then what is left.
template <typename Coder>
uint32_t ResidualModel::distance(Coder& coder, uint32_t value, int shift) {
    uint32_t steps = 0;
    const uint32_t wanted = value >> shift;
    while (steps < kLadder && decide(coder, 2 + int(steps), wanted > steps)) ++steps;
    if (steps == kLadder) {    // Elias gamma of the rest
        const uint32_t rest = wanted - kLadder + 1;
        const int top = Coder::kDecodes ? 0 : highest_bit(rest);
        int bits = 0;
        while (bits < 17 && coder.code(top > bits, 32768)) ++bits;
        steps = kLadder - 1 + (uint32_t(1) << bits) + coder.code_raw(rest, bits);
    }
    Slot* slots = low_[size_t(level_ * 4) + std::min<size_t>(steps, 3)];
    uint32_t rest = 0, node = 1;
    for (int i = shift; i-- > 0;) {
        int bit = int(value >> i & 1);
        if (node < 8) {
            bit = coder.code(bit, slots[node].probability());
            slots[node].update(bit);
            node = 2 * node + uint32_t(bit);
        } else {
            bit = coder.code(bit, 32768);
        }
        rest = 2 * rest + uint32_t(bit);
    }
    return uint32_t(std::min<uint64_t>((uint64_t(steps) << shift) + rest, kFarthest));
}

// Level 0 asks first whether the residual is zero, the others for its sign.
template <typename Coder>
int32_t ResidualModel::residual(Coder& coder, int32_t q) {
    if (level_ == 0 && decide(coder, 0, q == 0)) return 0;
    const bool negative = decide(coder, 1, q < 0);
    const int32_t first = level_ == 0 || negative ? 1 : 0;
    const int32_t size = first + int32_t(distance(coder, uint32_t(magnitude(q) - first), level_ == 0 ? 0 : level_ - 1));
    return negative ? -size : size;
}

template <typename Coder>
int32_t ResidualModel::code(Coder& coder, const Channel& c, const Around& a, int32_t sample) {
    const int32_t full = clamp(c.prediction + a.base * kUnit, 0, a.last * kUnit);
    const int32_t start = (full + kUnit / 2) >> kFraction, fraction = full - start * kUnit;
    const int flip = fraction >= 0 ? -1 : 1;    // so that a prediction between two samples looks the same from both

    const size_t x = c.x;
    const int32_t *r = c.residuals[0] + x, *r1 = c.residuals[1] + x;
    const int32_t nearby = 3 * (magnitude(r[-1]) + magnitude(r1[0])) + 2 * (magnitude(r1[1]) + magnitude(r1[-1])) +
                           magnitude(r[-2]) + magnitude(r1[2]);
    const uint32_t m1 = uint32_t(magnitude(a.residual1)), m2 = uint32_t(magnitude(a.residual2)), m = uint32_t(nearby);
    // expected magnitude in units of 2^-kFraction / 6
    uint32_t energy = a.order == 0 ? 4 * m : a.order == 1 ? 3 * m + 12 * m1 : (8 * m + 32 * m1 + 16 * m2) / 3;
    energy = ((energy + (uint32_t(c.least) << c.scale >> 2)) >> 5) + 4;
    if (a.near) energy /= uint32_t(2 * a.near + 1);
    if (energy < 4) energy = 4;
    const int octave = highest_bit(energy);
    const int strength = 4 * (octave - 2) + int(energy >> (octave - 2) & 3);
    level_ = clamp((strength - 6) / 4, 0, levels_ - 1);

    const auto at = [&](int32_t v, int limit) { return clamp(((v + a.base - start) * flip) >> c.scale, -limit, limit) + limit; };
    const int8_t *k = c.classes[0] + x, *k1 = c.classes[1] + x;
    const int32_t slope = clamp(highest_bit(uint32_t(c.spread) + 1), 0, 7);
    const int32_t edge = start == 0 ? 1 : start == a.last ? 2 : 0;
    const Slopes& s = c.slopes;
    const int32_t west = a.order ? c.w + s.w : 2 * c.w - c.ww, north = a.order ? c.n + s.n : 2 * c.n - c.nn;
    const auto class_of = [&](int32_t residual) { return residual_class(residual >> c.scale) * flip + 4; };
    const int32_t contexts[kContexts] = {
        ((at(c.w, 4) * 9 + at(c.n, 4)) * 3 + at(c.nw, 1)) * 3 + at(c.ne, 1),
        (class_of(a.residual1) * 9 + class_of(a.residual2)) * 9 + a.activity,
        ((k[-1] * flip + 4) * 9 + k1[0] * flip + 4) * 3 + clamp(k1[1] * flip, -1, 1) + 1,
        ((magnitude(fraction) >> 1 > 3 ? 3 : magnitude(fraction) >> 1) * 8 + slope) * 3 + edge,
        ((at(west, 4) * 9 + at(north, 4)) * 3 + at(c.w, 1)) * 3 + at(c.n, 1),
        ((at(c.ne, 4) * 9 + at(c.nw, 4)) * 3 + at(c.ww, 1)) * 3 + at(c.nn, 1),
    };
    for (int i = 0; i < kContexts; ++i) line_[i] = lines_[size_t((kFirst[i] + contexts[i]) * levels_ + level_)];

    const int32_t step = 2 * a.near + 1;
    int32_t q = 0;
    if (!Coder::kDecodes) q = (sample - start) * flip;
    if (!Coder::kDecodes && a.near) q = q < 0 ? -((a.near - q) / step) : (q + a.near) / step;
    q = residual(coder, q);
    return clamp(start + q * flip * step, 0, a.last);
}

}  // namespace hpcm::exact
