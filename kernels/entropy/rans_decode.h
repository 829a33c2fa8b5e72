// Reading of streams, in a header so that rows may come from anything that can be called.
#pragma once

#include <algorithm>

#include "portable.h"
#include "rans.h"

namespace hpcm {
namespace rans {

constexpr int kMaxEscapeBits = 32;    // distance + 1 of an escape is below 2^33

inline uint32_t load_word(const uint8_t* p) { return uint32_t(p[0]) | uint32_t(p[1]) << 8; }

inline void refill(uint64_t& state, const uint8_t*& p) {
    const bool low = state < kStateLow;
    state = low ? state << 16 | load_word(p) : state;
    p += low ? 2 : 0;
}

// One table symbol. Reads at most one word, unchecked: the caller looks at p afterwards.
inline uint32_t take_symbol(uint64_t& state, const uint8_t*& p, const TableSet::Row& row) {
    const uint32_t slot = uint32_t(state) & 0xFFFF;
    uint32_t i = row.coarse[slot >> row.shift];
    i += row.ends[i + 1] < slot;    // most buckets hold at most one border: no branch to mispredict
    while (row.ends[i + 1] < slot) ++i;
    const uint32_t start = uint16_t(row.ends[i] + 1), frequency = uint16_t(row.ends[i + 1] - row.ends[i]);
    state = frequency * (state >> kPrecision) + slot - start;
    refill(state, p);
    return i;
}

// `count` (1..16) bits of equal probability.
inline uint32_t take_raw(uint64_t& state, const uint8_t*& p, const uint8_t* end, int count) {
    const uint32_t value = uint32_t(state) & ((1u << count) - 1);
    state >>= count;
    if (state < kStateLow) {
        if (end - p < 2) throw StreamTruncated("entropy stream ends inside an escape");
        state = state << 16 | load_word(p);
        p += 2;
    }
    return value;
}

// What follows an escape: the side, then the distance beyond the row's last value in Elias' gamma code.
inline int32_t take_escape(uint64_t& state, const uint8_t*& p, const uint8_t* end, const TableSet::Row& row) {
    const bool below = take_raw(state, p, end, 1) != 0;
    int bits = 0;
    while (take_raw(state, p, end, 1)) {
        if (++bits > kMaxEscapeBits) throw StreamCorrupt("escape in entropy stream is too long");
    }
    int64_t distance = 1;
    for (int left = bits; left > 0;) {
        const int take = std::min(left, 16);
        distance = distance << take | take_raw(state, p, end, take);
        left -= take;
    }
    distance -= 1;
    const int64_t value = below ? int64_t(row.offset) - 1 - distance : int64_t(row.offset) + row.escape + distance;
    if (value < INT32_MIN || value > INT32_MAX) throw StreamCorrupt("escaped symbol is out of range");
    return int32_t(value);
}

inline int32_t take_value(uint64_t& state, const uint8_t*& p, const uint8_t* end, const TableSet::Row& row) {
    const uint32_t i = take_symbol(state, p, row);
    if (HPCM_UNLIKELY(i == row.escape)) return take_escape(state, p, end, row);
    return row.offset + int32_t(i);
}

inline void check_end(const uint8_t* p, const uint8_t* end) {
    if (p > end) throw StreamTruncated("entropy stream ends before its symbols do");
}

}  // namespace rans

// Held during a call.
class RansDecoder::Turn {
public:
    explicit Turn(std::atomic<bool>& busy) : busy_(busy) {
        if (busy_.exchange(true, std::memory_order_acquire)) throw std::logic_error("a stream is decoded by two threads at once");
    }
    ~Turn() { busy_.store(false, std::memory_order_release); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    std::atomic<bool>& busy_;
};

template <typename Row, typename Take>
void RansDecoder::decode_solo(size_t first, size_t n, Row row, Take take) {
    uint64_t state = count_ == 0 ? load_state() : states_[0];
    const uint8_t *p = data_.data() + position_, *const end = data_.data() + size_;
    for (size_t i = first; i < first + n; ++i) {
        const int32_t symbol = rans::take_value(state, p, end, tables_[row(i)]);
        rans::check_end(p, end);
        take(i, symbol);
    }
    states_[0] = state;
    position_ = size_t(p - data_.data());
    count_ += n;
}

template <typename Row, typename Take>
void RansDecoder::decode_one(size_t i, Row row, Take take) {
    const size_t lane = count_ % kStates;
    if (lane && count_ < kSolo + kStates) states_[lane] = load_state();
    const uint8_t *p = data_.data() + position_, *const end = data_.data() + size_;
    const int32_t symbol = rans::take_value(states_[lane], p, end, tables_[row(i)]);
    rans::check_end(p, end);
    take(i, symbol);
    position_ = size_t(p - data_.data());
    ++count_;
}

// Whole groups of one symbol per lane; returns how many symbols that were.
template <typename Row, typename Take>
size_t RansDecoder::decode_groups(size_t first, size_t n, Row row, Take take) {
    uint64_t a = states_[0], b = states_[1], c = states_[2], d = states_[3];
    const uint8_t *p = data_.data() + position_, *const end = data_.data() + size_;
    const size_t whole = n - n % kStates;
    for (size_t i = first; i < first + whole; i += kStates) {
        take(i, rans::take_value(a, p, end, tables_[row(i)]));
        take(i + 1, rans::take_value(b, p, end, tables_[row(i + 1)]));
        take(i + 2, rans::take_value(c, p, end, tables_[row(i + 2)]));
        take(i + 3, rans::take_value(d, p, end, tables_[row(i + 3)]));
        rans::check_end(p, end);
    }
    states_[0] = a, states_[1] = b, states_[2] = c, states_[3] = d;
    position_ = size_t(p - data_.data());
    count_ += whole;
    return whole;
}

template <typename Row, typename Take>
void RansDecoder::decode_each(size_t n, Row row, Take take) {
    const Turn turn(busy_);
    for (size_t i = 0; i < n;) {
        if (count_ < kSolo) {
            const size_t part = std::min<size_t>(n - i, kSolo - count_);
            decode_solo(i, part, row, take);
            i += part;
        } else if (count_ >= kSolo + kStates && count_ % kStates == 0 && n - i >= kStates) {
            i += decode_groups(i, n - i, row, take);
        } else {
            decode_one(i, row, take);
            ++i;
        }
    }
}

}  // namespace hpcm
