#include "rans.h"

#include <algorithm>

namespace hpcm {
namespace {

constexpr uint64_t kRawLimit = uint64_t(1) << 40;    // states stay below this
constexpr int kMaxEscapeBits = 32;                   // distance + 1 of an escape is below 2^33
constexpr size_t kPadding = 2 * kStates;              // a group of symbols reads at most one word per lane

uint32_t load_word(const uint8_t* p) { return uint32_t(p[0]) | uint32_t(p[1]) << 8; }

// ------------------------------------------------------------------------------------------------ decoding

void refill(uint64_t& state, const uint8_t*& p) {
    const bool low = state < kStateLow;
    state = low ? state << 16 | load_word(p) : state;
    p += low ? 2 : 0;
}

// One table symbol. Reads at most one word, unchecked: the caller looks at p afterwards.
uint32_t take_symbol(uint64_t& state, const uint8_t*& p, const TableSet::Row& row) {
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
uint32_t take_raw(uint64_t& state, const uint8_t*& p, const uint8_t* end, int count) {
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
int32_t take_escape(uint64_t& state, const uint8_t*& p, const uint8_t* end, const TableSet::Row& row) {
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

int32_t take_value(uint64_t& state, const uint8_t*& p, const uint8_t* end, const TableSet::Row& row) {
    const uint32_t i = take_symbol(state, p, row);
    if (__builtin_expect(i == row.escape, 0)) return take_escape(state, p, end, row);
    return row.offset + int32_t(i);
}

void check_end(const uint8_t* p, const uint8_t* end) {
    if (p > end) throw StreamTruncated("entropy stream ends before its symbols do");
}

// ------------------------------------------------------------------------------------------------ encoding

// Writes backwards, so that the decoder reads forwards.
void emit(uint64_t& state, uint8_t*& p, uint64_t limit) {
    const bool full = state >= limit;
    p[-2] = uint8_t(state);
    p[-1] = uint8_t(state >> 8);
    p -= full ? 2 : 0;
    state = full ? state >> 16 : state;
}

void put_symbol(uint64_t& state, uint8_t*& p, const TableSet::Row& row, uint32_t i) {
    const uint32_t start = uint16_t(row.ends[i] + 1), frequency = uint16_t(row.ends[i + 1] - row.ends[i]);
    emit(state, p, uint64_t(frequency) << 24);
    // Exact in doubles, and faster than 64-bit division on many processors: state / frequency < 2^24 needs at most 24 + 16
    // significant bits to be told from the next integer.
    const uint64_t quotient = uint64_t(int64_t(double(int64_t(state)) / double(frequency)));
    state = (quotient << kPrecision) + start + (state - quotient * frequency);
}

void put_raw(uint64_t& state, uint8_t*& p, uint32_t value, int count) {
    emit(state, p, kRawLimit >> count);
    state = state << count | value;
}

struct Escape {
    bool below;
    uint64_t distance;    // + 1, so that it has a highest bit
    int bits;             // below that highest bit
};

Escape make_escape(int32_t symbol, const TableSet::Row& row) {
    const int64_t above = int64_t(symbol) - row.offset - row.escape;
    Escape e{above < 0, uint64_t(above < 0 ? int64_t(row.offset) - symbol : above + 1), 0};
    while (e.distance >> (e.bits + 1)) ++e.bits;
    return e;
}

uint32_t index_of(int32_t symbol, const TableSet::Row& row) {
    const uint32_t i = uint32_t(symbol) - uint32_t(row.offset);
    return std::min(i, row.escape);
}

// The decoder's order reversed: distance bits, length, side, then the symbol.
void put_escape(uint64_t& state, uint8_t*& p, const TableSet::Row& row, int32_t symbol) {
    const Escape e = make_escape(symbol, row);
    for (int done = 0; done < e.bits;) {
        const int tail = (e.bits - done) % 16, take = tail ? tail : 16;
        // take_raw() reads pieces of 16 first, so the shortest piece, the lowest bits, goes in first
        put_raw(state, p, uint32_t(e.distance >> done) & ((1u << take) - 1), take);
        done += take;
    }
    put_raw(state, p, 0, 1);
    for (int k = 0; k < e.bits; ++k) put_raw(state, p, 1, 1);
    put_raw(state, p, e.below, 1);
}

void put_value(uint64_t& state, uint8_t*& p, const TableSet::Row& row, int32_t symbol) {
    const uint32_t i = index_of(symbol, row);
    if (__builtin_expect(i == row.escape, 0)) put_escape(state, p, row, symbol);
    put_symbol(state, p, row, i);
}

void put_state(uint64_t state, uint8_t*& p) {
    p -= kStateBytes;
    for (int k = 0; k < kStateBytes; ++k) p[k] = uint8_t(state >> 8 * k);
}

size_t worst_size(const int32_t* symbols, const uint16_t* rows, size_t n, const TableSet& tables) {
    size_t escapes = 0;
    for (size_t i = 0; i < n; ++i) {
        const TableSet::Row& row = tables[rows[i]];
        escapes += index_of(symbols[i], row) == row.escape;
    }
    // At most a word per symbol; the 66 raw bits of an escape push out at most 5 more. emit() touches 2 bytes ahead.
    return 2 * n + 12 * escapes + kStates * kStateBytes + 2;
}

}  // namespace

std::vector<uint8_t> rans_encode(const int32_t* symbols, const uint16_t* rows, size_t n, const TableSet& tables) {
    tables.check_rows(rows, n);
    std::vector<uint8_t> buffer(worst_size(symbols, rows, n, tables));
    uint8_t *const end = buffer.data() + buffer.size(), *p = end;
    uint64_t states[kStates];
    std::fill(states, states + kStates, kStateLow);

    size_t i = n;
    const size_t grouped = kSolo + kStates;    // from here on all states are in use and none is stored
    for (; i > grouped && i % kStates; --i) put_value(states[(i - 1) % kStates], p, tables[rows[i - 1]], symbols[i - 1]);
    for (; i > grouped; i -= kStates) {
        for (size_t lane = kStates; lane-- > 0;)
            put_value(states[lane], p, tables[rows[i - kStates + lane]], symbols[i - kStates + lane]);
    }
    for (; i > kSolo; --i) {
        const size_t lane = (i - 1) % kStates;
        put_value(states[lane], p, tables[rows[i - 1]], symbols[i - 1]);
        if (lane) put_state(states[lane], p);
    }
    uint64_t solo = states[0];
    for (; i > 0; --i) put_value(solo, p, tables[rows[i - 1]], symbols[i - 1]);
    if (n) put_state(solo, p);
    return std::vector<uint8_t>(p, end);
}

RansDecoder::RansDecoder(const uint8_t* data, size_t size, const TableSet& tables)
    : data_(data, data + size), size_(size), tables_(tables) {
    data_.resize(size + kPadding);
}

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

uint64_t RansDecoder::load_state() {
    if (size_ - position_ < size_t(kStateBytes)) throw StreamTruncated("entropy stream ends before its states do");
    uint64_t state = 0;
    for (int k = 0; k < kStateBytes; ++k) state |= uint64_t(data_[position_ + k]) << 8 * k;
    if (state < kStateLow) throw StreamCorrupt("state in entropy stream is out of range");
    position_ += kStateBytes;
    return state;
}

void RansDecoder::decode_solo(const uint16_t* rows, int32_t* symbols, size_t n) {
    uint64_t state = count_ == 0 ? load_state() : states_[0];
    const uint8_t *p = data_.data() + position_, *const end = data_.data() + size_;
    for (size_t i = 0; i < n; ++i) {
        symbols[i] = take_value(state, p, end, tables_[rows[i]]);
        check_end(p, end);
    }
    states_[0] = state;
    position_ = size_t(p - data_.data());
    count_ += n;
}

void RansDecoder::decode_one(uint16_t row, int32_t* symbol) {
    const size_t lane = count_ % kStates;
    if (lane && count_ < kSolo + kStates) states_[lane] = load_state();
    const uint8_t *p = data_.data() + position_, *const end = data_.data() + size_;
    *symbol = take_value(states_[lane], p, end, tables_[row]);
    check_end(p, end);
    position_ = size_t(p - data_.data());
    ++count_;
}

// Whole groups of one symbol per lane; returns how many symbols that were.
size_t RansDecoder::decode_groups(const uint16_t* rows, int32_t* symbols, size_t n) {
    uint64_t a = states_[0], b = states_[1], c = states_[2], d = states_[3];
    const uint8_t *p = data_.data() + position_, *const end = data_.data() + size_;
    size_t i = 0;
    for (; i + kStates <= n; i += kStates) {
        symbols[i] = take_value(a, p, end, tables_[rows[i]]);
        symbols[i + 1] = take_value(b, p, end, tables_[rows[i + 1]]);
        symbols[i + 2] = take_value(c, p, end, tables_[rows[i + 2]]);
        symbols[i + 3] = take_value(d, p, end, tables_[rows[i + 3]]);
        check_end(p, end);
    }
    states_[0] = a, states_[1] = b, states_[2] = c, states_[3] = d;
    position_ = size_t(p - data_.data());
    count_ += i;
    return i;
}

void RansDecoder::decode(const uint16_t* rows, int32_t* symbols, size_t n) {
    tables_.check_rows(rows, n);
    const Turn turn(busy_);
    for (size_t i = 0; i < n;) {
        if (count_ < kSolo) {
            const size_t part = std::min<size_t>(n - i, kSolo - count_);
            decode_solo(rows + i, symbols + i, part);
            i += part;
        } else if (count_ >= kSolo + kStates && count_ % kStates == 0 && n - i >= kStates) {
            i += decode_groups(rows + i, symbols + i, n - i);
        } else {
            decode_one(rows[i], symbols + i);
            ++i;
        }
    }
}

void RansDecoder::finish() const {
    const Turn turn(busy_);
    if (position_ != size_) throw StreamCorrupt("entropy stream has bytes left over");
    for (const uint64_t state : states_) {
        if (state != kStateLow) throw StreamCorrupt("entropy stream does not end in its initial state");
    }
}

// ------------------------------------------------------------------------------------------------ estimates

namespace {

float bits_of(int32_t symbol, const TableSet::Row& row) {
    const uint32_t i = index_of(symbol, row);
    if (i < row.escape) return row.bits[i];
    return row.bits[i] + float(2 + 2 * make_escape(symbol, row).bits);
}

}  // namespace

void symbol_bits(const int32_t* symbols, const uint16_t* rows, size_t n, const TableSet& tables, float* bits) {
    tables.check_rows(rows, n);
    for (size_t i = 0; i < n; ++i) bits[i] = bits_of(symbols[i], tables[rows[i]]);
}

void rdo_quantise(const float* residual, const uint16_t* rows, size_t n, const TableSet& tables, float strength, float weight,
                  int32_t* symbols) {
    tables.check_rows(rows, n);
    for (size_t i = 0; i < n; ++i) {
        const float r = residual[i];
        if (!(r > -2147483520.0f && r < 2147483520.0f)) throw std::invalid_argument("residual is not a finite number in range");
        const int32_t near = int32_t(__builtin_rintf(r)), low = near - (near > 0) + (near < 0);
        symbols[i] = near;
        if (near == low) continue;
        const TableSet::Row& row = tables[rows[i]];
        const float saved = bits_of(near, row) - bits_of(low, row);
        const float error_near = r - float(near), error_low = r - float(low);
        if (strength * saved > weight * (error_low * error_low - error_near * error_near)) symbols[i] = low;
    }
}

}  // namespace hpcm
