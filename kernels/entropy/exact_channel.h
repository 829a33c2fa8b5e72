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
constexpr int kTaps = 24;
constexpr int kPredictors = 8;               // two that learn, six fixed ones
constexpr int kErrorLimit = 8191;

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

// How far the channels before this one are from their neighbours, at this pixel.
struct Slopes {
    int32_t w = 0, n = 0, ne = 0, nw = 0;      // previous channel
    int32_t w2 = 0, n2 = 0, ne2 = 0, nw2 = 0;  // the one before
};

inline int8_t residual_class(int32_t r) {    // -4..4, r in units of 2^-kFraction
    const int32_t a = magnitude(r);
    const int c = a < 5 ? 0 : a < 48 ? 1 : a < 128 ? 2 : a < 320 ? 3 : 4;
    return int8_t(r < 0 ? -c : c);
}

struct Channel {
    int scale;    // bits that samples have beyond ten
    Rows<int32_t> values, samples;    // without and with the base; samples less the reference, where there is one
    Rows<int32_t> residuals;
    Rows<int8_t> classes;
    Rows<uint16_t> errors;    // of each predictor
    Weights<kTaps, 4> fast, slow;

    // of the current sample
    size_t x = 0;
    Slopes slopes;
    int32_t w, n, nw, ne, ww, nn, nne, middle;
    int32_t prediction;    // in units of 2^-kFraction
    int32_t least, spread;
    alignas(16) int16_t taps[kTaps];
    int32_t guesses[kPredictors];    // relative to the middle
    int32_t raw[2];

    Channel(size_t width, int depth) : scale(depth > 10 ? depth - 10 : 0), values(width), samples(width), residuals(width), classes(width), errors(width, kPredictors) {}

    void begin_row(size_t width, bool first) {
        if (!first) {
            values.next();
            samples.next();
            residuals.next();
            classes.next();
            errors.next();
        }
        values.pad(width);
        samples.pad(width);
        residuals.pad(width);
        classes.pad(width);
        errors.pad(width);
    }

    void predict(size_t column, const Slopes& s);
    // `value` is the sample less its base
    void settle(int32_t value, int32_t sample);
    // A sample that was copied: nothing was predicted, nothing is learned.
    void copy(size_t x, int32_t value, int32_t sample) {
        values[0][x] = value;
        samples[0][x] = sample;
        residuals[0][x] = 0;
        classes[0][x] = 0;
        std::fill_n(errors[0] + x * kPredictors, kPredictors, uint16_t(0));
    }
};


inline void Channel::predict(size_t column, const Slopes& s) {
    x = column;
    slopes = s;
    const int32_t *d = values[0] + x, *d1 = values[1] + x, *d2 = values[2] + x;
    w = d[-1], ww = d[-2], n = d1[0], nw = d1[-1], ne = d1[1], nn = d2[0], nne = d2[1];
    const int32_t m = middle = (w + n) >> 1;
    const int32_t t[kTaps] = {w - m,     n - m,     nw - m,    ne - m,    ww - m, nn - m, nne - m, d1[2] - m,
                              d1[-2] - m, d2[-1] - m, d[-3] - m, d1[3] - m, s.w,    s.n,    s.ne,    s.nw,
                              s.w2,      s.n2,      s.ne2,     s.nw2,     d2[2] - m, d2[-2] - m, 0, 0};
    for (int i = 0; i < kTaps; ++i) taps[i] = int16_t(clamp(t[i] >> scale, -1023, 1023));
    raw[0] = fast.dot(taps) >> (13 - kFraction - scale);
    raw[1] = slow.dot(taps) >> (13 - kFraction - scale);
    const int32_t g[kPredictors] = {raw[0], raw[1], (n - m) * kUnit, (w - m) * kUnit, (w + n - nw - m) * kUnit, (n + ne - nne - m) * kUnit, (w + ne - n - m) * kUnit, (2 * w - ww - m) * kUnit};
    for (int i = 0; i < kPredictors; ++i) guesses[i] = g[i];

    const uint16_t *e = errors[0] + x * kPredictors, *e1 = errors[1] + x * kPredictors;
    uint32_t error[kPredictors];
    uint16_t sum[kPredictors];
    for (int i = 0; i < kPredictors; ++i) {
        sum[i] = uint16_t(1 + 2 * e[i - kPredictors] + 2 * e1[i] + e1[i + kPredictors] + e1[i - kPredictors] +
                          e[i - 2 * kPredictors] + e1[i + 2 * kPredictors]);
    }
    uint32_t best = 65535;
    for (int i = 0; i < kPredictors; ++i) best = std::min(best, error[i] = sum[i]);
    const int top = highest_bit(best);
    int64_t blend = 0;
    int32_t weights = 0, low = guesses[0], high = guesses[0];
    for (int i = 0; i < kPredictors; ++i) {
        const int32_t weight = kTables.blend[std::min((error[i] << 4) >> top, 1023u)];
        weights += weight;
        blend += int64_t(weight) * guesses[i];
        low = std::min<int32_t>(low, guesses[i]);
        high = std::max<int32_t>(high, guesses[i]);
    }
    prediction = m * kUnit + int32_t(blend / weights);
    least = int32_t(best);
    spread = high - low;
}

inline int16_t learning_step(int32_t error, int32_t reciprocal, int shift) {
    return int16_t(clamp(int32_t((int64_t(clamp(error, -4095, 4095)) * reciprocal * 64) >> shift), -32767, 32767));
}

inline void Channel::settle(int32_t value, int32_t sample) {
    values[0][x] = value;
    samples[0][x] = sample;
    const int32_t residual = value * kUnit - prediction;
    residuals[0][x] = residual;
    classes[0][x] = residual_class(residual >> scale);
    const int32_t actual = (value - middle) * kUnit;
    uint16_t* e = errors[0] + x * kPredictors;
    for (int i = 0; i < kPredictors; ++i) e[i] = uint16_t(std::min(magnitude(actual - guesses[i]) >> scale, kErrorLimit));

    const int32_t power = kTaps * 8 + lanes_dot<kTaps>(taps, taps);
    const int top = highest_bit(uint32_t(power));
    const int32_t reciprocal = kTables.reciprocal[top > 7 ? power >> (top - 7) : power << (7 - top)];
    fast.learn(taps, learning_step((actual - raw[0]) >> scale, reciprocal, top - 7 + 3));
    slow.learn(taps, learning_step((actual - raw[1]) >> scale, reciprocal, top - 7 + 6));
}

}  // namespace hpcm::exact
