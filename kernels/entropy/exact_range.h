// Coder of the exact coder's streams: decisions by a range coder from the front, with a 64-bit interval and probabilities of 16
// bits, carries resolved in the encoder; raw bits from the back. Normative description: formats/EXACT.md, "Streams".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "exact_lanes.h"
#include "portable.h"

namespace hpcm::exact {

constexpr uint64_t kRangeLow = uint64_t(1) << 32;    // the interval's width stays at or above this between two decisions

// How far a range is from its highest possible value: leading zeros, at most 32.
inline int spare_bits(uint64_t range) {
    const uint32_t high = uint32_t(range >> 32);
    return 31 - highest_bit(high);
}

// Both coders have the same calls, so that one template writes and reads.
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

    // `count` equally likely bits, at most 32, highest first. Returns them.
    uint32_t code_raw(uint32_t value, int count) {
        value = uint32_t(value & ((uint64_t(1) << count) - 1));
        open_ = open_ << count | value;
        for (open_count_ += count; open_count_ >= 8;) raw_.push_back(uint8_t(open_ >> (open_count_ -= 8)));
        return value;
    }

    // Ends the stream.
    std::vector<uint8_t> finish();

private:
    void carry();
    void shift_out();

    uint64_t low_ = 0, range_ = ~uint64_t(0);
    std::vector<uint8_t> bytes_;
    uint64_t open_ = 0;    // raw bits, the last open_count_ of which are not yet in raw_
    int open_count_ = 0;
    std::vector<uint8_t> raw_;    // the stream's last byte first
};

// Takes bytes outside the stream for zeros. Written without branches that a processor could not foresee, so that several streams
// can be read at the same time.
class RangeDecoder {
public:
    static constexpr bool kDecodes = true;

    RangeDecoder(const uint8_t* data, size_t size) : bytes_(kMargin + size + kMargin), size_(size) {
        std::copy_n(data, size, bytes_.begin() + kMargin);
        data_ = bytes_.data() + kMargin;
        value_ = uint64_t(word(0)) << 32 | word(4);
    }
    RangeDecoder(RangeDecoder&&) = default;    // data_ points into bytes_, which moves along

    HPCM_ALWAYS_INLINE int code(int, uint32_t p) {
        const uint64_t bound = (range_ >> 16) * p;
        const bool bit = value_ < bound;
        value_ -= bit ? 0 : bound;
        range_ = bit ? bound : range_ - bound;
        refill();
        return bit;
    }

    HPCM_ALWAYS_INLINE int code_symbol(int, Lanes low, Lanes high) {
        const int spare = spare_bits(range_), shift = 48 - spare;
        const Lanes scale = Lanes::splat(int16_t(uint16_t(range_ << spare >> 48)));
        const Lanes limit = Lanes::splat(int16_t(uint16_t(value_ << spare >> 48)));
        uint16_t bounds[17];
        const Lanes a = high_product(low, scale), b = high_product(high, scale);
        a.store(bounds);
        b.store(bounds + 8);
        bounds[16] = 0;
        const int symbol = last_not_above(a, b, limit);
        const uint64_t from = uint64_t(bounds[symbol]) << shift, to = uint64_t(bounds[symbol + 1]) << shift;
        range_ = (symbol == 15 ? range_ : to) - from;
        value_ -= from;
        refill();
        return symbol;
    }

    HPCM_ALWAYS_INLINE uint32_t code_raw(uint32_t, int count) {
        const uint8_t* p = data_ + size_ - std::min(size_t(raw_ >> 3), size_);
        uint64_t bits = 0;    // the eight bytes before p, the nearest one highest
#if defined(HPCM_EXACT_SSE2) || defined(__aarch64__) || defined(__wasm__)
        std::memcpy(&bits, p - 8, 8);
#else
        for (int i = 1; i <= 8; ++i) bits = bits << 8 | p[-i];
#endif
        bits <<= raw_ & 7;
        raw_ += uint64_t(count);
        return uint32_t(bits >> 1 >> (63 - count));
    }

    // True if every byte was read, and none as both a decision's and a raw bit's.
    bool finished() const {
        const uint64_t raw = (raw_ + 7) / 8, read = position_;
        return raw <= size_ && read >= size_ - raw && read - 8 <= size_ - raw;
    }
    // The same for a stream without decisions.
    bool finished_raw() const { return (raw_ + 7) / 8 == size_; }

private:
    static constexpr size_t kMargin = 8;

    uint32_t word(uint64_t position) const {
        const uint8_t* p = data_ + std::min(position, uint64_t(size_));
        return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3];
    }
    HPCM_ALWAYS_INLINE void refill() {
        const uint64_t next = value_ << 32 | word(position_);
        const bool low = range_ < kRangeLow;
        value_ = low ? next : value_;
        range_ = low ? range_ << 32 : range_;
        position_ += low ? 4 : 0;
    }

    std::vector<uint8_t> bytes_;
    size_t size_;
    const uint8_t* data_;
    uint64_t position_ = 8, raw_ = 0;    // bytes from the front, bits from the back
    uint64_t value_, range_ = ~uint64_t(0);
};

}  // namespace hpcm::exact
