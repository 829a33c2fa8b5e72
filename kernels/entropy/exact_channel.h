// One channel of a tile while it is coded: its last rows, and the prediction of the next sample.
// Normative description: formats/EXACT.md, "Prediction".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_model.h"

namespace hpcm::exact {

constexpr int kPad = 4;                      // columns that rows have beyond both ends
constexpr int kFraction = 4;                 // bits of a prediction below the sample
constexpr int kUnit = 1 << kFraction;
constexpr int kTaps = 32;
constexpr int kPredictors = 8;               // two that learn, six fixed ones
constexpr int kErrorLimit = 4095;
constexpr int kNarrow = 1023;

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

// The channels before this one, at this pixel less at its neighbours.
struct Slopes {
    Lanes last = Lanes::splat(0), first = Lanes::splat(0);    // the channel before, and the first one where that is another
    int32_t w = 0, n = 0;    // of the channel before, to the left and to the upper neighbour
};

inline int8_t residual_class(int32_t r) {    // -4..4, r in units of 2^-kFraction
    const int32_t a = magnitude(r);
    const int c = a < 5 ? 0 : a < 48 ? 1 : a < 128 ? 2 : a < 320 ? 3 : 4;
    return int8_t(r < 0 ? -c : c);
}

struct Channel {
    int scale;    // bits that samples have beyond ten
    Rows<int32_t> values, samples;    // without and with the base; samples less the reference, where there is one
    Rows<int16_t> values16, samples16;    // divided by 2^scale, within kNarrow
    Rows<int32_t> residuals;
    Rows<int8_t> classes;
    Rows<int16_t> errors;    // of each predictor
    Weights<kTaps, 4> fast, slow;

    // of the current sample
    size_t x = 0;
    Slopes slopes;
    int32_t w, n, nw, ne, ww, nn, nne, middle;
    int32_t prediction;    // in units of 2^-kFraction
    int32_t least, spread;
    Lanes taps[kTaps / 8];
    Lanes guesses;    // of each predictor, relative to the middle, in units of 2^(scale - kFraction)
    int32_t raw[2];

    Channel(size_t width, int depth)
        : scale(depth > 10 ? depth - 10 : 0), values(width), samples(width), values16(width), samples16(width), residuals(width),
          classes(width), errors(width, kPredictors) {}

    void begin_row(size_t width, bool first) {
        if (!first) {
            values.next();
            samples.next();
            values16.next();
            samples16.next();
            residuals.next();
            classes.next();
            errors.next();
        }
        values.pad(width);
        samples.pad(width);
        values16.pad(width);
        samples16.pad(width);
        residuals.pad(width);
        classes.pad(width);
        errors.pad(width);
    }

    void predict(size_t column, const Slopes& s);
    // `value` is the sample less its base
    void settle(int32_t value, int32_t sample);
    // A sample that was copied: nothing was predicted, nothing is learned.
    void copy(size_t column, int32_t value, int32_t sample) {
        put(column, value, sample);
        residuals[0][column] = 0;
        classes[0][column] = 0;
        Lanes::splat(0).store(errors[0] + column * kPredictors);
    }
    Lanes slopes_at(size_t column) const {
        const int16_t *now = samples16[0] + column, *above = samples16[1] + column;
        return Lanes::splat(now[0]) - Lanes::halves(now - 4, above - 1);
    }

private:
    void put(size_t column, int32_t value, int32_t sample) {
        values[0][column] = value;
        samples[0][column] = sample;
        values16[0][column] = int16_t(clamp(value >> scale, -kNarrow, kNarrow));
        samples16[0][column] = int16_t(clamp(sample >> scale, -kNarrow, kNarrow));
    }
};

inline void Channel::predict(size_t column, const Slopes& s) {
    x = column;
    slopes = s;
    const int32_t *d = values[0] + x, *d1 = values[1] + x, *d2 = values[2] + x;
    w = d[-1], ww = d[-2], n = d1[0], nw = d1[-1], ne = d1[1], nn = d2[0], nne = d2[1];
    const int32_t m = middle = (w + n) >> 1;
    const int16_t *t = values16[0] + x, *t1 = values16[1] + x, *t2 = values16[2] + x;
    const Lanes centre = Lanes::splat(int16_t((t[-1] + t1[0]) >> 1));
    taps[0] = Lanes::load(t1 - 3) - centre;
    taps[1] = Lanes::halves(t - 4, t2 - 1) - centre;
    taps[2] = s.last;
    taps[3] = s.first;
    raw[0] = fast.dot(taps) >> (13 - kFraction);
    raw[1] = slow.dot(taps) >> (13 - kFraction);
    const auto fixed = [&](int32_t v) { return clamp((v - m) * kUnit >> scale, -32767, 32767); };
    guesses = Lanes::of(clamp(raw[0], -32767, 32767), clamp(raw[1], -32767, 32767), fixed(n), fixed(w), fixed(w + n - nw),
                        fixed(n + ne - nne), fixed(w + ne - n), fixed(2 * w - ww));

    const int16_t *e = errors[0] + x * kPredictors, *e1 = errors[1] + x * kPredictors;
    const Lanes twice = Lanes::load(e - kPredictors) + Lanes::load(e1);
    const Lanes once = Lanes::load(e1 + kPredictors) + Lanes::load(e1 - kPredictors) + Lanes::load(e - 2 * kPredictors) +
                       Lanes::load(e1 + 2 * kPredictors);
    const Lanes sum = twice + twice + once + Lanes::splat(1);
    least = sum.least();
    const int top = highest_bit(uint32_t(least));
    const Lanes most = Lanes::splat(1023);
    const Lanes rank = top >= 4 ? min(sum.right(top - 4), most) : min(min(sum, most).left(4 - top), most);
    int16_t r[8];
    rank.store(r);
    const int16_t* b = kTables.blend;
    const Lanes weights = Lanes::of(b[r[0]], b[r[1]], b[r[2]], b[r[3]], b[r[4]], b[r[5]], b[r[6]], b[r[7]]);
    Sums blend, total;
    blend.add_product(weights, guesses);
    total.add_product(weights, Lanes::splat(1));
    prediction = m * kUnit + blend.total() / total.total() * (1 << scale);
    spread = -int32_t((Lanes::splat(0) - guesses).least()) - guesses.least();
}

inline int16_t learning_step(int32_t error, int32_t reciprocal, int shift) {
    return int16_t(clamp((clamp(error, -4095, 4095) * reciprocal * 64) >> shift, -32767, 32767));
}

inline void Channel::settle(int32_t value, int32_t sample) {
    put(x, value, sample);
    const int32_t residual = value * kUnit - prediction;
    residuals[0][x] = residual;
    classes[0][x] = residual_class(residual >> scale);
    const int32_t actual = clamp((value - middle) * kUnit >> scale, -32767, 32767);
    const Lanes distance = Lanes::splat(int16_t(actual)) - guesses;
    min(max(distance, Lanes::splat(0) - distance), Lanes::splat(kErrorLimit)).store(errors[0] + x * kPredictors);

    Sums squares;
    for (const Lanes& part : taps) squares.add_product(part, part);
    const int32_t power = kTaps * 8 + squares.total();
    const int top = highest_bit(uint32_t(power)) - 7;    // at least 1
    const int32_t reciprocal = kTables.reciprocal[power >> top];
    fast.update(taps, learning_step(actual - clamp(raw[0], -32767, 32767), reciprocal, top + 3));
    slow.update(taps, learning_step(actual - clamp(raw[1], -32767, 32767), reciprocal, top + 6));
}

}  // namespace hpcm::exact
