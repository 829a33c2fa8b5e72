// Summaries of keys and values for linear attention, as maps (d, 1, 2 + e): of each key channel its peak, its mass, and its sums
// with the e value channels of its head.
#pragma once

#include <vector>

#include "bank_ops.h"
#include "operands.h"

namespace hpcm {

// A summary with its parts in pieces of their own, as kernels take them.
struct SummaryParts {
    int channels, width;
    std::vector<float> peak, mass, sums;

    SummaryParts(int64_t channels_, int64_t width_)
        : channels(static_cast<int>(channels_)), width(static_cast<int>(width_)), peak(static_cast<size_t>(channels_)),
          mass(static_cast<size_t>(channels_)), sums(static_cast<size_t>(channels_ * width_)) {}

    explicit SummaryParts(const Operand& x) : SummaryParts(x.shape.channels, x.shape.columns - 2) {
        for (int c = 0; c < channels; ++c) {
            const float* row = x.data + static_cast<ptrdiff_t>(c) * (width + 2);
            peak[static_cast<size_t>(c)] = row[0];
            mass[static_cast<size_t>(c)] = row[1];
            std::copy_n(row + 2, width, sums.data() + static_cast<ptrdiff_t>(c) * width);
        }
    }

    void store(float* out) const {
        for (int c = 0; c < channels; ++c, out += width + 2) {
            out[0] = peak[static_cast<size_t>(c)];
            out[1] = mass[static_cast<size_t>(c)];
            std::copy_n(sums.data() + static_cast<ptrdiff_t>(c) * width, width, out + 2);
        }
    }
};

// Heads of a map of d channels: their width. Throws ModelCorrupt.
inline int64_t head_width(int64_t channels, int64_t heads) {
    require(channels > 0 && channels % heads == 0 && channels / heads <= kMostHeadChannels, "heads do not divide the channels into 64 or fewer");
    return channels / heads;
}

}  // namespace hpcm
