// One channel of a tile while it is coded: its last rows, and the prediction of the next sample.
// Normative description: formats/EXACT.md, "Prediction".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_model.h"
#include "portable.h"

namespace hpcm::exact {

constexpr int kPad = 5;                      // columns that rows have beyond both ends
constexpr int kFraction = 4;                 // bits of a prediction below the sample
constexpr int kUnit = 1 << kFraction;
constexpr int kTaps = 24;
constexpr int kErrorLimit = 4095;
constexpr int kBits = 13;                    // of what is kept of a value
constexpr int kNarrow = (1 << kBits) - 1;
constexpr int kFar = 2047;                   // of a neighbour from the middle

// The last rows of something, each kPad cells longer on both sides.
template <typename T, int kRows = 3>
class Rows {
public:
    explicit Rows(size_t width, size_t each = 1) : each_(each) {
        for (auto& row : rows_) row.assign((width + 2 * kPad) * each, T());
        point();
    }
    T* operator[](int above) const { return at_[above]; }
    void next() {
        newest_ = (newest_ + kRows - 1) % kRows;
        point();
    }
    // Beyond the left end of the newest row stands what is above it, beyond the right end of the one above its last cell.
    void pad(size_t width) {
        T *now = at_[0], *above = at_[1];
        for (size_t i = 1; i <= kPad; ++i) {
            for (size_t k = 0; k < each_; ++k) {
                now[ptrdiff_t(k) - ptrdiff_t(i * each_)] = above[k];
                above[(width - 1 + i) * each_ + k] = above[(width - 1) * each_ + k];
            }
        }
    }

private:
    void point() {
        for (int i = 0; i < kRows; ++i) at_[i] = rows_[(newest_ + i) % kRows].data() + kPad * each_;
    }
    std::vector<T> rows_[kRows];
    T* at_[kRows];
    size_t each_;
    int newest_ = 0;
};

// A predictor's weights at first, in units of 2^-13: what is left, above and between them makes a plane.
constexpr int16_t kFirstWeights[kTaps] = {-4096, 6144, 0, 0, 0, 0, 0, 6144};

// What of a sample the channels after it look at.
struct Known {
    int32_t sample = 0;      // less its reference, in its own units
    int32_t residual = 0;    // in units of 2^(scale - kFraction)
    int16_t narrow = 0;      // the sample as Channel::samples has it
    Four left;               // before it in Channel::samples
};

// That of the last few pixels: channels may be up to that many pixels apart.
constexpr size_t kKnown = 4;

struct Channel {
    int scale;    // bits that samples have beyond kBits; all that follows is in units of 2^scale
    Rows<int16_t> values, samples;    // without and with the base; samples less the reference, where there is one
    Rows<int16_t, 2> sizes;           // of residuals
    Four left_values, left_samples;
    int16_t weights[kTaps];           // in units of 2^-13
    Known known[kKnown];              // of pixel x at x % kKnown

    // of the current sample
    size_t x = 0;
    int32_t prediction;    // in units of 2^-kFraction
    Lanes near;            // above from the left one on, and left
    Lanes taps[kTaps / 8];

    Channel(size_t width, int depth) : scale(std::max(depth - kBits, 0)), values(width), samples(width), sizes(width) {
        std::copy_n(kFirstWeights, kTaps, weights);
    }

    void begin_row(size_t width, bool first) {
        if (!first) {
            values.next();
            samples.next();
            sizes.next();
        }
        values.pad(width);
        samples.pad(width);
        sizes.pad(width);
        left_values = Four::before(values[0]);
        left_samples = Four::before(samples[0]);
    }

    // Of a channel that follows none, one, or two others: `last` the channel before, `first` the first one.
    HPCM_ALWAYS_INLINE void predict_alone(size_t column);
    HPCM_ALWAYS_INLINE void predict_second(size_t column, const Channel& last);
    HPCM_ALWAYS_INLINE void predict_third(size_t column, const Channel& last, const Channel& first);
    // `known`: the sample less its reference; `base`: what else was taken off it. V: vectors of taps that it has.
    template <int V>
    HPCM_ALWAYS_INLINE void settle(int32_t known, int32_t base);
    // A sample that was copied: nothing was predicted, nothing is learned.
    void copy(size_t column, int32_t known, int32_t base) {
        x = column;
        put(known, base, 0);
    }
    const Known& at(size_t column) const { return known[column % kKnown]; }

private:
    HPCM_ALWAYS_INLINE void put(int32_t sample, int32_t base, int32_t residual) {
        const int16_t narrow = int16_t(clamp(sample >> scale, -kNarrow, kNarrow));
        const int16_t value = int16_t(clamp((sample - base) >> scale, -kNarrow, kNarrow));
        known[x % kKnown] = {sample, residual, narrow, left_samples};
        values[0][x] = value;
        samples[0][x] = narrow;
        sizes[0][x] = int16_t(magnitude(residual));
        left_values.push(value);
        left_samples.push(narrow);
    }
    HPCM_ALWAYS_INLINE Lanes slopes(size_t column) const {
        const Known& k = at(column);
        return bounded(Lanes::splat(k.narrow) - Lanes::halves(samples[1] + column - 1, k.left));
    }
    template <int V>
    HPCM_ALWAYS_INLINE void predict(size_t column);
    static Lanes bounded(Lanes v) { return min(max(v, Lanes::splat(-kFar)), Lanes::splat(kFar)); }
};

// From V vectors of taps; the first is found here, and the second if it is the only other one.
template <int V>
HPCM_ALWAYS_INLINE void Channel::predict(size_t column) {
    x = column;
    const int16_t* above = values[1] + x;
    const int32_t middle = (left_values.newest() + above[0]) >> 1;
    const Lanes centre = Lanes::splat(int16_t(middle));
    near = Lanes::halves(above - 1, left_values);
    taps[0] = bounded(near - centre);
    Sums dot;
    for (int i = 0; i < V; ++i) dot.add_product(taps[i], Lanes::load(weights + 8 * i));
    const int32_t guess = clamp(dot.total() >> (13 - kFraction), -kFar * kUnit, kFar * kUnit);
    prediction = (middle * kUnit + guess) * (1 << scale);
}

HPCM_ALWAYS_INLINE void Channel::predict_alone(size_t column) {
    const int16_t* above = values[1] + column;
    const Lanes centre = Lanes::splat(int16_t((left_values.newest() + above[0]) >> 1));
    taps[1] = bounded(Lanes::halves(values[2] + column - 1, above - 5) - centre);
    predict<2>(column);
}

HPCM_ALWAYS_INLINE void Channel::predict_second(size_t column, const Channel& last) {
    taps[1] = last.slopes(column);
    predict<2>(column);
}

HPCM_ALWAYS_INLINE void Channel::predict_third(size_t column, const Channel& last, const Channel& first) {
    taps[1] = last.slopes(column);
    taps[2] = first.slopes(column);
    predict<3>(column);
}

// The weights follow by steepest descent, in steps by the power of the taps.
template <int V>
HPCM_ALWAYS_INLINE void Channel::settle(int32_t known_sample, int32_t base) {
    const int32_t residual = clamp(((known_sample - base) * kUnit - prediction) >> scale, -32767, 32767);
    put(known_sample, base, residual);
    Sums squares;
    for (int i = 0; i < V; ++i) squares.add_product(taps[i], taps[i]);
    const int32_t power = 256 + squares.total();
    const int top = highest_bit(uint32_t(power)) - 7;    // at least 1
    const int32_t error = clamp(residual, -kErrorLimit, kErrorLimit);
    const Lanes step = Lanes::splat(int16_t(clamp((error * kTables.reciprocal[power >> top] * 64) >> (top + 3), -32767, 32767)));
    const Lanes one = Lanes::splat(1);
    for (int i = 0; i < V; ++i) {
        const Lanes change = (signed_high_product(taps[i].left(4), step) + one).right(1);
        add_saturating(Lanes::load(weights + 8 * i), change).store(weights + 8 * i);
    }
}

}  // namespace hpcm::exact
