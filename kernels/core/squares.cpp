#include "squares.h"

#include <algorithm>

namespace hpcm {

template <typename T>
Squares<T>::Squares(int64_t width, int64_t height, int channels, int scale, SampleRows<T> rows)
    : width_(width), height_(height), made_((width + scale - 1) / scale), channels_(channels), scale_(scale), rows_(std::move(rows)) {
    if (scale == 1) return;
    sums_.resize(size_t(made_ * channels));
    line_.resize(sums_.size());
}

template <typename T>
void Squares<T>::take(int64_t y, int64_t count, const T* samples) {
    if (scale_ == 1) return rows_(y, count, samples);
    for (int64_t i = 0; i < count; ++i) {
        const T* row = samples + i * width_ * channels_;
        for (int64_t x = 0; x < width_; ++x) {
            for (int c = 0; c < channels_; ++c) sums_[size_t(x / scale_ * channels_ + c)] += row[x * channels_ + c];
        }
        const int64_t done = y + i + 1;
        if (done % scale_ == 0 || done == height_) finish((done - 1) / scale_, (done - 1) % scale_ + 1);
    }
}

template <typename T>
void Squares<T>::finish(int64_t y, int64_t rows) {
    for (int64_t x = 0; x < made_; ++x) {
        const uint32_t count = uint32_t(rows * std::min<int64_t>(scale_, width_ - x * scale_));
        for (int c = 0; c < channels_; ++c) {
            const size_t at = size_t(x * channels_ + c);
            const uint32_t mean = sums_[at] / count, rest = sums_[at] % count;
            line_[at] = T(mean + (2 * rest > count || (2 * rest == count && (mean & 1) != 0) ? 1 : 0));
            sums_[at] = 0;
        }
    }
    rows_(y, 1, line_.data());
}

template class Squares<uint8_t>;
template class Squares<uint16_t>;

}  // namespace hpcm
