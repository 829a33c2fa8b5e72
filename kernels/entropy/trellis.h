// Trellis-coded quantisation: two quantisers, every second level each, and a convolutional code that says which one is used.
// Normative description: formats/FORMAT.md, "Trellis-coded quantisation".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rans.h"
#include "trellis_ops.h"

namespace hpcm {

// What the symbols of both quantisers stand for, and where their distributions are. Borrows both arguments.
class Trellis {
public:
    // levels[q][row] is the value of symbols 1, 2 and 3 of quantiser q, and the distance of all further ones; symbol 0 is 0,
    // negative symbols mirror positive ones. `tables` has 3 * rows rows: those of plain rounding, of quantiser 0 and of 1.
    // Throws std::invalid_argument unless they fit and all levels are finite and rise.
    Trellis(const float* levels, size_t rows, const TableSet& tables);

    size_t rows() const { return rows_; }
    const TableSet& tables() const { return tables_; }
    size_t table_row(int quantiser, size_t row) const { return (1 + size_t(quantiser)) * rows_ + row; }
    float step(int quantiser, size_t row) const { return at(quantiser, row)[3]; }

    // Of a symbol's magnitude.
    float level(int quantiser, size_t row, uint32_t magnitude) const {
        if (magnitude == 0) return 0.0f;
        const float* levels = at(quantiser, row);
        if (magnitude <= 3) return levels[magnitude - 1];
        const float further = float(magnitude - 3) * levels[3];
        return levels[2] + further;
    }

    float value(int quantiser, size_t row, int32_t symbol) const {
        const uint32_t magnitude = symbol < 0 ? 0u - uint32_t(symbol) : uint32_t(symbol);
        const float value = level(quantiser, row, magnitude);
        return symbol < 0 ? -value : value;
    }

    // Throws std::invalid_argument if one of n indexes names no row.
    void check_rows(const uint16_t* rows, size_t n) const;

private:
    const float* at(int quantiser, size_t row) const { return levels_ + 4 * (size_t(quantiser) * rows_ + row); }

    const float* levels_;
    size_t rows_;
    const TableSet& tables_;
};

// Decodes one step: n symbols, as the values that they stand for. Errors as RansDecoder::decode.
void decode_trellis(RansDecoder& decoder, const Trellis& trellis, const uint16_t* rows, float* values, size_t n);

// Viterbi's algorithm for one step: symbols, their rows in the tables, and their values, so that the sum of
// weight * (squared error) + strength * bits is nearly the least possible. For the encoder; not normative.
// Throws std::invalid_argument for a residual that is not finite or beyond 2^24.
void trellis_quantise(const float* residual, const uint16_t* rows, size_t n, const Trellis& trellis, float strength, float weight,
                      int32_t* symbols, uint16_t* table_rows, float* values);

}  // namespace hpcm
