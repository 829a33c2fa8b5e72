// Range asymmetric numeral coder: integer tables, four interleaved states, escapes for rare values.
// Normative description: formats/FORMAT.md, "Entropy coding".
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace hpcm {

// The stream ends before its symbols do.
struct StreamTruncated : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The stream violates a rule: a state out of range, an impossible escape, bytes left over.
struct StreamCorrupt : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The stream is coded in a way that this version does not know.
struct StreamNewer : std::runtime_error {
    using std::runtime_error::runtime_error;
};

constexpr int kPrecision = 16;                       // frequencies of a row add up to 2^16
constexpr uint64_t kStateLow = uint64_t(1) << 24;    // states live in [2^24, 2^40); 2^24 is also the encoder's first state
constexpr int kStateBytes = 5;
constexpr size_t kStates = 4;
constexpr uint64_t kSolo = 4096;                     // the first symbols of a stream share state 0: short streams store one state

// A family of integer distributions, validated once, with what the coder looks up at every symbol.
class TableSet {
public:
    // Row r of the family is cdf[starts[r] .. starts[r] + lengths[r]): 0, strictly rising, 65536. Its last symbol is the escape,
    // symbol i before that stands for the value offsets[r] + i. Throws std::invalid_argument.
    TableSet(const int32_t* cdf, size_t cdf_size, const int32_t* starts, const int32_t* lengths, const int32_t* offsets,
             size_t rows);
    TableSet(const TableSet&) = delete;
    TableSet& operator=(const TableSet&) = delete;

    struct Row {
        const uint16_t* ends;      // ends[0] = 65535 (that is -1), ends[i + 1] = last slot of symbol i
        const uint16_t* coarse;    // first symbol of each bucket of 2^shift slots
        const float* bits;         // -log2(frequency / 65536) of each symbol
        int32_t offset;
        uint32_t escape;           // index of the escape = number of plain symbols
        int shift;
    };
    const Row& operator[](size_t row) const { return rows_[row]; }
    size_t size() const { return rows_.size(); }

    // Throws std::invalid_argument if one of n indexes names no row.
    void check_rows(const uint16_t* rows, size_t n) const;

private:
    std::vector<uint16_t> ends_, coarse_;
    std::vector<float> bits_;
    std::vector<Row> rows_;
};

// Codes n symbols; rows[i] is the row of symbols[i]. Any int32 can be coded with any row.
std::vector<uint8_t> rans_encode(const int32_t* symbols, const uint16_t* rows, size_t n, const TableSet& tables);

// Reads symbols in the order in which they were coded. How they are split into calls does not matter.
class RansDecoder {
public:
    // Copies the stream; `tables` must outlive the decoder.
    RansDecoder(const uint8_t* data, size_t size, const TableSet& tables);

    // Throws StreamTruncated, StreamCorrupt; the decoder is then of no further use (but safe to call). While a call runs,
    // another thread's throws std::logic_error and changes nothing: a stream has one order.
    void decode(const uint16_t* rows, int32_t* symbols, size_t n);

    // The same, symbols as numbers.
    void decode_floats(const uint16_t* rows, float* values, size_t n);

    // The same with rows that may depend on earlier symbols: asks row(i), then gives take(i, symbol), for i = 0 .. n - 1. All
    // rows must exist. Defined in rans_decode.h.
    template <typename Row, typename Take>
    void decode_each(size_t n, Row row, Take take);

    // Checks that the stream ended exactly here: all bytes used, all states back at their initial value.
    void finish() const;

    const TableSet& tables() const { return tables_; }

private:
    class Turn;
    uint64_t load_state();
    template <typename Row, typename Take>
    void decode_solo(size_t first, size_t n, Row row, Take take);
    template <typename Row, typename Take>
    void decode_one(size_t i, Row row, Take take);
    template <typename Row, typename Take>
    size_t decode_groups(size_t first, size_t n, Row row, Take take);

    std::vector<uint8_t> data_;    // the stream and a few zero bytes that may be touched before the end is noticed
    size_t size_;
    size_t position_ = 0;
    uint64_t count_ = 0;           // symbols decoded so far
    uint64_t states_[kStates] = {kStateLow, kStateLow, kStateLow, kStateLow};
    const TableSet& tables_;
    mutable std::atomic<bool> busy_{false};
};

// Estimated cost in bits of a symbol that is coded as an escape.
float escape_cost(int32_t symbol, const TableSet::Row& row);

// Estimated cost in bits of one symbol, escapes included.
inline float symbol_cost(int32_t symbol, const TableSet::Row& row) {
    const uint32_t i = uint32_t(symbol) - uint32_t(row.offset);
    return i < row.escape ? row.bits[i] : escape_cost(symbol, row);
}

// Of each symbol. For the encoder's decisions; not normative.
void symbol_bits(const int32_t* symbols, const uint16_t* rows, size_t n, const TableSet& tables, float* bits);

// Rate-distortion optimised rounding of y - mean: the nearest integer, or the next one towards zero where
// strength * (bits saved) > weight * (squared error added). For the encoder; not normative.
void rdo_quantise(const float* residual, const uint16_t* rows, size_t n, const TableSet& tables, float strength, float weight,
                  int32_t* symbols);

}  // namespace hpcm
