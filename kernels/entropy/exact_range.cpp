#include "exact_range.h"

namespace hpcm::exact {

void RangeEncoder::carry() {
    for (size_t i = bytes_.size(); i-- > 0;) {
        if (++bytes_[i] != 0) return;
    }
}

void RangeEncoder::shift_out() {
    for (int s = 56; s >= 32; s -= 8) bytes_.push_back(uint8_t(low_ >> s));
    low_ <<= 32;
    range_ <<= 32;
}

std::vector<uint8_t> RangeEncoder::finish() {
    int count = 0;
    uint64_t value = low_;
    for (; count < 8; ++count) {    // the number of the interval that has the fewest bytes
        const uint64_t below = count == 0 ? ~uint64_t(0) : (uint64_t(1) << (64 - 8 * count)) - 1;
        value = low_ == 0 ? 0 : (low_ + below) & ~below;
        if (value - low_ < range_) break;
    }
    if (count == 8) value = low_;
    if (value < low_) carry();
    for (int i = 0; i < count; ++i) bytes_.push_back(uint8_t(value >> (56 - 8 * i)));
    while (!bytes_.empty() && bytes_.back() == 0) bytes_.pop_back();
    return std::move(bytes_);
}

}  // namespace hpcm::exact
