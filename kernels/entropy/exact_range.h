// Binary range coder of the exact coder: 64-bit interval, probabilities of 16 bits, carries resolved in the encoder.
// Normative description: formats/EXACT.md, "Range coder".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_lanes.h"

namespace hpcm::exact {

constexpr uint64_t kRangeLow = uint64_t(1) << 32;    // the interval's width stays at or above this between two decisions

// How far a range is from its highest possible value: leading zeros, at most 32.
inline int spare_bits(uint64_t range) {
    const uint32_t high = uint32_t(range >> 32);
    return 31 - highest_bit(high);
}

// Both coders have the same two calls, so that one template writes and reads.
class RangeEncoder {
public:
    static constexpr bool kDecodes = false;

    // Codes `bit`; p in 1..65535 is the probability of a one in units of 2^-16. Returns the bit.
    int code(int bit, uint32_t p) {
        const uint64_t bound = (range_ >> 16) * p;
        if (bit) {
            range_ = bound;
        } else {
            low_ += bound;
            if (low_ < bound) carry();
            range_ -= bound;
        }
        if (range_ < kRangeLow) shift_out();
        return bit;
    }

    // Codes `symbol` of 0..15. `low`, `high`: sixteen rising numbers of 16 bits, how likely those below each one are in units of
    // 2^-16; the first is 0. Returns the symbol.
    int code_symbol(int symbol, Lanes low, Lanes high) {
        const int spare = spare_bits(range_), shift = 48 - spare;
        const Lanes scale = Lanes::splat(int16_t(uint16_t(range_ << spare >> 48)));
        uint16_t bounds[16];
        high_product(low, scale).store(bounds);
        high_product(high, scale).store(bounds + 8);
        const uint64_t from = uint64_t(bounds[symbol]) << shift;
        range_ = (symbol == 15 ? range_ : uint64_t(bounds[symbol + 1]) << shift) - from;
        low_ += from;
        if (low_ < from) carry();
        if (range_ < kRangeLow) shift_out();
        return symbol;
    }

    // `count` equally likely bits, at most 32, highest first.
    uint32_t code_raw(uint32_t value, int count) {
        for (int i = count; i-- > 0;) code(int(value >> i & 1), 32768);
        return uint32_t(value & ((uint64_t(1) << count) - 1));
    }

    // Bytes so far, without what is still open.
    size_t size() const { return bytes_.size(); }

    // Ends the stream with as few bytes as possible: a reader takes missing bytes as zeros.
    std::vector<uint8_t> finish();

private:
    void carry();
    void shift_out();

    uint64_t low_ = 0, range_ = ~uint64_t(0);
    std::vector<uint8_t> bytes_;
};

class RangeDecoder {
public:
    static constexpr bool kDecodes = true;

    RangeDecoder(const uint8_t* data, size_t size) : data_(data), size_(size) {
        value_ = uint64_t(word()) << 32;
        value_ |= word();
    }

    int code(int, uint32_t p) {
        const uint64_t bound = (range_ >> 16) * p;
        const bool bit = value_ < bound;
        value_ -= bit ? 0 : bound;
        range_ = bit ? bound : range_ - bound;
        if (range_ < kRangeLow) {
            range_ <<= 32;
            value_ = value_ << 32 | word();
        }
        return bit;
    }

    int code_symbol(int, Lanes low, Lanes high) {
        const int spare = spare_bits(range_), shift = 48 - spare;
        const Lanes scale = Lanes::splat(int16_t(uint16_t(range_ << spare >> 48)));
        const Lanes limit = Lanes::splat(int16_t(uint16_t(value_ << spare >> 48)));
        uint16_t bounds[17];
        const Lanes a = high_product(low, scale), b = high_product(high, scale);
        a.store(bounds);
        b.store(bounds + 8);
        const int symbol = last_not_above(a, b, limit);
        const uint64_t from = uint64_t(bounds[symbol]) << shift;
        range_ = (symbol == 15 ? range_ : uint64_t(bounds[symbol + 1]) << shift) - from;
        value_ -= from;
        if (range_ < kRangeLow) {
            range_ <<= 32;
            value_ = value_ << 32 | word();
        }
        return symbol;
    }

    uint32_t code_raw(uint32_t, int count) {
        uint32_t value = 0;
        while (count-- > 0) value = value << 1 | uint32_t(code(0, 32768));
        return value;
    }

    // True if every byte was read and the last one is not a zero: the encoder writes no others.
    bool finished() const { return position_ >= size_ && (size_ == 0 || data_[size_ - 1] != 0); }

private:
    uint32_t word() {
        uint32_t w = 0;
        if (position_ + 4 <= size_) {
            const uint8_t* p = data_ + position_;
            w = uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3];
            position_ += 4;
            return w;
        }
        for (int i = 0; i < 4; ++i) {
            w = w << 8 | (position_ < size_ ? data_[position_] : 0);
            position_ += position_ < size_ ? 1 : 0;
        }
        return w;
    }

    const uint8_t* data_;
    size_t size_, position_ = 0;
    uint64_t value_, range_ = ~uint64_t(0);
};

}  // namespace hpcm::exact
