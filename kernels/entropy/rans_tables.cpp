// Validation of integer tables and the lookups that make decoding fast. Nothing here affects the bytes of a stream.
#include <algorithm>
#include <cmath>
#include <string>

#include "rans.h"

namespace hpcm {
namespace {

constexpr int32_t kTotal = 1 << kPrecision;
constexpr int32_t kOffsetLimit = 1 << 24;

[[noreturn]] void refuse(size_t row, const char* what) {
    throw std::invalid_argument("entropy table row " + std::to_string(row) + " " + what);
}

void validate(const int32_t* cdf, size_t cdf_size, int32_t start, int32_t length, int32_t offset, size_t row) {
    // three values at least: one symbol and the escape; then no frequency can reach 65536
    if (start < 0 || length < 3 || length > kTotal + 1 || size_t(start) + size_t(length) > cdf_size) refuse(row, "lies outside the cdf");
    if (offset < -kOffsetLimit || offset > kOffsetLimit) refuse(row, "has an offset out of range");
    const int32_t* values = cdf + start;
    if (values[0] != 0 || values[length - 1] != kTotal) refuse(row, "does not run from 0 to 65536");
    for (int32_t i = 1; i < length; ++i) {
        if (values[i] <= values[i - 1]) refuse(row, "is not strictly increasing");
    }
}

// Four buckets per symbol, within 16..4096: then few buckets hold more than one border, and all usual rows fit in L2 together.
int bucket_bits(uint32_t symbols) {
    int bits = 4;
    while (bits < 12 && (1u << bits) < 4 * symbols) ++bits;
    return bits;
}

}  // namespace

TableSet::TableSet(const int32_t* cdf, size_t cdf_size, const int32_t* starts, const int32_t* lengths, const int32_t* offsets,
                   size_t rows) {
    if (rows == 0 || rows > 65536) throw std::invalid_argument("entropy tables need 1 to 65536 rows");
    std::vector<size_t> coarse_at(rows), ends_at(rows);
    for (size_t r = 0; r < rows; ++r) {
        validate(cdf, cdf_size, starts[r], lengths[r], offsets[r], r);
        const int32_t* values = cdf + starts[r];
        const uint32_t symbols = uint32_t(lengths[r] - 1);
        const int shift = kPrecision - bucket_bits(symbols);
        ends_at[r] = ends_.size();
        coarse_at[r] = coarse_.size();
        for (int32_t i = 0; i < lengths[r]; ++i) ends_.push_back(uint16_t(values[i] - 1));
        for (uint32_t i = 0; i < symbols; ++i) {
            bits_.push_back(float(kPrecision - std::log2(double(values[i + 1] - values[i]))));
        }
        bits_.push_back(0.0f);    // keeps bits_ and ends_ in step
        for (uint32_t bucket = 0, i = 0; bucket < (1u << (kPrecision - shift)); ++bucket) {
            while (uint32_t(values[i + 1]) <= bucket << shift) ++i;
            coarse_.push_back(uint16_t(i));
        }
        rows_.push_back(Row{nullptr, nullptr, nullptr, offsets[r], symbols - 1, shift});
    }
    for (size_t r = 0; r < rows; ++r) {
        rows_[r].ends = ends_.data() + ends_at[r];
        rows_[r].bits = bits_.data() + ends_at[r];
        rows_[r].coarse = coarse_.data() + coarse_at[r];
    }
}

void TableSet::check_rows(const uint16_t* rows, size_t n) const {
    uint16_t highest = 0;
    for (size_t i = 0; i < n; ++i) highest = std::max(highest, rows[i]);
    if (highest >= size()) throw std::invalid_argument("rows: index " + std::to_string(highest) + " of " + std::to_string(size()) + " rows");
}

}  // namespace hpcm
