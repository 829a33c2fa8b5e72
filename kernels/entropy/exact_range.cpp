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
    if (open_count_) raw_.push_back(uint8_t(open_ << (8 - open_count_)));
    int count = 0;    // the fewest bytes after which, whatever follows, a number is within the interval
    uint64_t value = 0;
    const bool any = low_ != 0 || range_ != ~uint64_t(0) || !bytes_.empty();    // decision
    for (uint64_t after = ~uint64_t(0); any; after >>= 8, ++count) {
        value = (low_ + after) & ~after;
        if (value - low_ < range_ && range_ - 1 - (value - low_) >= after) break;
    }
    if (any && value < low_) carry();
    for (int i = 0; i < count; ++i) bytes_.push_back(uint8_t(value >> (56 - 8 * i)));
    bytes_.insert(bytes_.end(), raw_.rbegin(), raw_.rend());
    return std::move(bytes_);
}

}  // namespace hpcm::exact
