// How a tile is coded: which channels, in what range, with what tools. It stands at the start of the stream.
// Normative description: formats/EXACT.md, "Plan".
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "exact_model.h"
#include "rans.h"

namespace hpcm::exact {

constexpr int kMaxChannels = 4;
constexpr size_t kMaxPalette = 1024;
constexpr int32_t kMaxNear = 255;

struct Shape {
    size_t width = 0, height = 0;
    int channels = 0, depth = 0;
    int32_t last() const { return (int32_t(1) << depth) - 1; }
};

// A channel of the tile as it is stored.
struct ChannelPlan {
    enum Kind : int { kFull, kRange, kList, kCopy };
    int kind = kFull;
    int32_t low = 0, high = 0;       // kRange
    std::vector<uint16_t> values;    // kList: rising
    int source = 0;                  // kCopy: the earlier channel that is the same
};

struct Plan {
    int32_t near = 0;                       // greatest error of a sample
    bool copies = false, palette = false;
    int bases = 0;
    ChannelPlan stored[kMaxChannels];       // in coding order
    std::vector<uint64_t> colours;          // palette: rising

    // Follows from the above: what is coded.
    int channels = 0;
    int origin[kMaxChannels] = {};          // the stored channel of each coded one
    int32_t last[kMaxChannels] = {};        // highest value of each coded one

    int depth(int k) const { return last[k] ? highest_bit(uint32_t(last[k])) + 1 : 1; }
    // Sets what is coded.
    void derive(const Shape& shape);
};

// Numbers below 2^17 whose size is learned.
class Numbers {
public:
    template <typename Coder>
    uint32_t code(Coder& coder, uint32_t value) {
        const int top = Coder::kDecodes ? 0 : highest_bit(value + 1);
        int bits = 0;
        while (bits < 17) {
            Slot& slot = slots_[bits];
            const int more = coder.code(top > bits, slot.probability());
            slot.update(more);
            if (!more) break;
            ++bits;
        }
        const uint32_t low = coder.code_raw(value + 1, bits);
        return (uint32_t(1) << bits) + low - 1;
    }

private:
    Slot slots_[18];
};

// Reads or writes a plan. Throws StreamCorrupt where a rule is broken.
template <typename Coder>
void code_plan(Coder& coder, const Shape& shape, bool reference, Plan& plan);

inline void require(bool condition) {
    if (!condition) throw StreamCorrupt("an exact tile is damaged");
}

inline void Plan::derive(const Shape& shape) {
    channels = 0;
    if (palette) {
        last[0] = int32_t(colours.size()) - 1;
        origin[0] = 0;
        channels = last[0] > 0 ? 1 : 0;
        return;
    }
    for (int k = 0; k < shape.channels; ++k) {
        const ChannelPlan& c = stored[k];
        const int32_t highest = c.kind == ChannelPlan::kFull    ? shape.last()
                                : c.kind == ChannelPlan::kRange ? c.high - c.low
                                : c.kind == ChannelPlan::kList  ? int32_t(c.values.size()) - 1
                                                                : 0;
        if (highest == 0) continue;
        origin[channels] = k;
        last[channels++] = highest;
    }
}

template <typename Coder>
void code_channel(Coder& coder, const Shape& shape, int k, Numbers& numbers, ChannelPlan& c) {
    c.kind = int(coder.code_raw(uint32_t(c.kind), 2));
    const uint32_t last = uint32_t(shape.last());
    if (c.kind == ChannelPlan::kRange) {
        c.low = int32_t(coder.code_raw(uint32_t(c.low), shape.depth));
        const uint32_t width = numbers.code(coder, uint32_t(c.high - c.low));
        require(width <= last - uint32_t(c.low));
        c.high = c.low + int32_t(width);
    } else if (c.kind == ChannelPlan::kList) {
        const uint32_t count = numbers.code(coder, uint32_t(c.values.size()));
        require(count >= 2 && count <= last);
        Numbers gaps;
        Slot again;    // most lists are of equal steps
        uint32_t next = 0, gap = 0;
        for (uint32_t i = 0; i < count; ++i) {
            const uint32_t wanted = Coder::kDecodes ? 0 : c.values[i] - next;
            const int same = coder.code(wanted == gap, again.probability());
            again.update(same);
            if (!same) gap = gaps.code(coder, wanted);
            const uint32_t value = next + gap;
            require(value <= last);
            if (Coder::kDecodes) c.values.push_back(uint16_t(value));
            next = value + 1;
        }
    } else if (c.kind == ChannelPlan::kCopy) {
        c.source = int(coder.code_raw(uint32_t(c.source), 2));
        require(c.source < k);
    }
}

template <typename Coder>
void code_palette(Coder& coder, const Shape& shape, Plan& plan) {
    Numbers counts, steps[kMaxChannels];
    const uint32_t count = counts.code(coder, uint32_t(plan.colours.size()));
    require(count >= 1 && count <= kMaxPalette);
    uint64_t before = 0;
    const uint64_t mask = uint64_t(shape.last());
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t colour = Coder::kDecodes ? 0 : plan.colours[i];
        uint64_t made = 0;
        for (int k = 0; k < shape.channels; ++k) {    // the first channel rises, so it stands highest
            const int place = 16 * (shape.channels - 1 - k);
            const uint64_t step = ((colour >> place) - (before >> place)) & mask;
            const bool down = k > 0 && step > mask / 2;
            const uint32_t number = k == 0 ? uint32_t(step) : down ? 2 * uint32_t(mask - step) + 1 : 2 * uint32_t(step);
            const uint32_t got = steps[k].code(coder, number);
            require(got <= mask);  // beyond which no step has a number
            const uint64_t back = k == 0 ? got : got & 1 ? mask - got / 2 : got / 2;
            made |= (((before >> place) + back) & mask) << place;
        }
        require(i == 0 || made > before);
        if (Coder::kDecodes) plan.colours.push_back(made);
        before = made;
    }
}

template <typename Coder>
void code_plan(Coder& coder, const Shape& shape, bool reference, Plan& plan) {
    Numbers numbers;
    plan.near = int32_t(numbers.code(coder, uint32_t(plan.near)));
    require(plan.near <= kMaxNear);
    plan.palette = coder.code_raw(plan.palette, 1) != 0;
    plan.copies = coder.code_raw(plan.copies, 1) != 0;
    require(!plan.palette || (!reference && plan.near == 0));
    if (plan.palette) {
        code_palette(coder, shape, plan);
    } else {
        for (int k = 0; k < shape.channels; ++k) {
            code_channel(coder, shape, k, numbers, plan.stored[k]);
            require(plan.stored[k].kind == ChannelPlan::kFull || !reference);
            require(plan.stored[k].kind != ChannelPlan::kList || plan.near == 0);
        }
    }
    plan.derive(shape);
    if (plan.channels >= 3) plan.bases = int(coder.code_raw(uint32_t(plan.bases), 2));
}

// The samples of a plain tile, in coding order.
template <typename Coder>
void code_plain(Coder& coder, const Shape& shape, std::vector<uint16_t>& samples) {
    for (uint16_t& sample : samples) sample = uint16_t(coder.code_raw(sample, shape.depth));
}

}  // namespace hpcm::exact
