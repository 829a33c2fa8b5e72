#include "rans.h"

#include <algorithm>
#include <cmath>

#include "portable.h"
#include "rans_decode.h"

namespace hpcm {
namespace {

constexpr uint64_t kRawLimit = uint64_t(1) << 40;    // states stay below this
constexpr size_t kPadding = 2 * kStates;              // a group of symbols reads at most one word per lane

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
    if (HPCM_UNLIKELY(i == row.escape)) put_escape(state, p, row, symbol);
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

uint64_t RansDecoder::load_state() {
    if (size_ - position_ < size_t(kStateBytes)) throw StreamTruncated("entropy stream ends before its states do");
    uint64_t state = 0;
    for (int k = 0; k < kStateBytes; ++k) state |= uint64_t(data_[position_ + k]) << 8 * k;
    if (state < kStateLow) throw StreamCorrupt("state in entropy stream is out of range");
    position_ += kStateBytes;
    return state;
}

void RansDecoder::decode(const uint16_t* rows, int32_t* symbols, size_t n) {
    tables_.check_rows(rows, n);
    decode_each(n, [=](size_t i) { return rows[i]; }, [=](size_t i, int32_t symbol) { symbols[i] = symbol; });
}

void RansDecoder::decode_floats(const uint16_t* rows, float* values, size_t n) {
    tables_.check_rows(rows, n);
    decode_each(n, [=](size_t i) { return rows[i]; }, [=](size_t i, int32_t symbol) { values[i] = float(symbol); });
}

void RansDecoder::finish() const {
    const Turn turn(busy_);
    if (position_ != size_) throw StreamCorrupt("entropy stream has bytes left over");
    for (const uint64_t state : states_) {
        if (state != kStateLow) throw StreamCorrupt("entropy stream does not end in its initial state");
    }
}

// ------------------------------------------------------------------------------------------------ estimates

float escape_cost(int32_t symbol, const TableSet::Row& row) {
    return row.bits[row.escape] + float(2 + 2 * make_escape(symbol, row).bits);
}

void symbol_bits(const int32_t* symbols, const uint16_t* rows, size_t n, const TableSet& tables, float* bits) {
    tables.check_rows(rows, n);
    for (size_t i = 0; i < n; ++i) bits[i] = symbol_cost(symbols[i], tables[rows[i]]);
}

void rdo_quantise(const float* residual, const uint16_t* rows, size_t n, const TableSet& tables, float strength, float weight,
                  int32_t* symbols) {
    tables.check_rows(rows, n);
    for (size_t i = 0; i < n; ++i) {
        const float r = residual[i];
        if (!(r > -2147483520.0f && r < 2147483520.0f)) throw std::invalid_argument("residual is not a finite number in range");
        const int32_t near = int32_t(std::rint(r)), low = near - (near > 0) + (near < 0);
        symbols[i] = near;
        if (near == low) continue;
        const TableSet::Row& row = tables[rows[i]];
        const float saved = symbol_cost(near, row) - symbol_cost(low, row);
        const float error_near = r - float(near), error_low = r - float(low);
        if (strength * saved > weight * (error_low * error_low - error_near * error_near)) symbols[i] = low;
    }
}

}  // namespace hpcm
