// libFuzzer: entropy tables from anywhere, streams from anywhere, and streams of the encoder with bytes changed;
// steps of a trellis too. Checks: nothing but the stated exceptions, what was encoded comes back, a decoder that has thrown may be called again.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "rans.h"
#include "trellis.h"

namespace {

using hpcm::RansDecoder;
using hpcm::TableSet;

struct Numbers {  // cheap and repeatable, so that a few bytes of input stand for many symbols
    uint32_t state;
    uint32_t next(uint32_t below) {
        state = state * 1664525u + 1013904223u;
        return uint32_t((uint64_t(state >> 8) * below) >> 24);
    }
};

void require(bool condition) {
    if (!condition) std::abort();
}

// Rows of any widths: borders are drawn, sorted and made distinct, so every row is valid.
std::unique_ptr<TableSet> valid_tables(FuzzedDataProvider& input) {
    Numbers numbers{input.ConsumeIntegral<uint32_t>()};
    std::vector<int32_t> cdf, starts, lengths, offsets;
    const int rows = input.ConsumeIntegralInRange(1, 8);
    for (int r = 0; r < rows; ++r) {
        const int widest = input.ConsumeIntegralInRange(0, 31) ? 300 : 65535;  // the widest take a millisecond to make
        const int borders = input.ConsumeIntegralInRange(1, input.ConsumeBool() ? 6 : widest);
        const uint32_t top = input.ConsumeBool() ? 65535 : uint32_t(input.ConsumeIntegralInRange(borders, 65535));
        std::vector<int32_t> row{0, 65536};
        for (int i = 0; i < borders; ++i) row.push_back(1 + int32_t(numbers.next(top)));
        std::sort(row.begin(), row.end());
        row.erase(std::unique(row.begin(), row.end()), row.end());
        starts.push_back(int32_t(cdf.size()));
        lengths.push_back(int32_t(row.size()));
        offsets.push_back(input.ConsumeBool() ? -int32_t(row.size() / 2) : input.ConsumeIntegralInRange(-(1 << 24), 1 << 24));
        cdf.insert(cdf.end(), row.begin(), row.end());
    }
    return std::make_unique<TableSet>(cdf.data(), cdf.size(), starts.data(), lengths.data(), offsets.data(), starts.size());
}

void any_tables(FuzzedDataProvider& input) {
    const size_t rows = input.ConsumeIntegralInRange<size_t>(0, 4);
    std::vector<int32_t> starts, lengths, offsets, cdf;
    for (size_t r = 0; r < rows; ++r) {
        starts.push_back(input.ConsumeIntegral<int32_t>());
        lengths.push_back(input.ConsumeIntegral<int32_t>());
        offsets.push_back(input.ConsumeIntegral<int32_t>());
    }
    while (input.remaining_bytes()) cdf.push_back(input.ConsumeBool() ? 65536 : input.ConsumeIntegral<int32_t>());
    try {
        const TableSet tables(cdf.data(), cdf.size(), starts.data(), lengths.data(), offsets.data(), rows);
        require(tables.size() == rows);
    } catch (const std::invalid_argument&) {
    }
}

std::vector<uint16_t> some_rows(FuzzedDataProvider& input, const TableSet& tables) {
    Numbers numbers{input.ConsumeIntegral<uint32_t>()};
    std::vector<uint16_t> rows(input.ConsumeIntegralInRange<size_t>(0, input.ConsumeIntegralInRange(0, 7) ? 400 : 9000));
    const uint32_t number = uint32_t(input.ConsumeIntegralInRange<size_t>(1, tables.size()));
    for (uint16_t& row : rows) row = uint16_t(numbers.next(number));
    return rows;
}

std::vector<int32_t> some_symbols(FuzzedDataProvider& input, const std::vector<uint16_t>& rows, const TableSet& tables) {
    Numbers numbers{input.ConsumeIntegral<uint32_t>()};
    const uint32_t rare = uint32_t(input.ConsumeIntegralInRange(1, 4000));
    std::vector<int32_t> symbols;
    for (const uint16_t row : rows) {
        const int32_t usual = tables[row].offset + int32_t(numbers.next(tables[row].escape + 1));
        const int32_t far = int32_t(numbers.next(1 << 16) << 16 | numbers.next(1 << 16)) >> numbers.next(32);
        symbols.push_back(numbers.next(rare) ? usual : far);
    }
    return symbols;
}

// In portions, as a decoder does. True if all of the stream was read and it ended as it should.
bool decode(const std::vector<uint8_t>& stream, const std::vector<uint16_t>& rows, const TableSet& tables, uint32_t seed,
            std::vector<int32_t>* symbols) {
    Numbers numbers{seed};
    symbols->assign(rows.size(), 0);
    RansDecoder decoder(stream.data(), stream.size(), tables);
    try {
        for (size_t done = 0; done < rows.size();) {
            const size_t portion = std::min<size_t>(rows.size() - done, numbers.next(numbers.next(2) ? 5000 : 9) + 1);
            // exact copies, so that the address sanitizer sees the first element beyond
            const std::vector<uint16_t> part(rows.begin() + long(done), rows.begin() + long(done + portion));
            std::vector<int32_t> values(portion);
            decoder.decode(part.data(), values.data(), portion);
            std::copy(values.begin(), values.end(), symbols->begin() + long(done));
            done += portion;
        }
        decoder.finish();
        return true;
    } catch (const hpcm::StreamTruncated&) {
    } catch (const hpcm::StreamCorrupt&) {
    }
    try {  // of no further use, but safe
        std::vector<int32_t> values(std::min<size_t>(rows.size(), 9));
        decoder.decode(rows.data(), values.data(), values.size());
        decoder.finish();
    } catch (const std::runtime_error&) {
    }
    return false;
}

// Steps of a trellis: what was quantised comes back, and streams with bytes changed do no harm.
void trellis(FuzzedDataProvider& input) {
    Numbers numbers{input.ConsumeIntegral<uint32_t>()};
    const size_t rows = input.ConsumeIntegralInRange<size_t>(1, 4), borders = input.ConsumeIntegralInRange<size_t>(1, 40);
    std::vector<int32_t> cdf{0}, starts(3 * rows, 0), offsets(3 * rows, -int32_t(borders / 2));
    for (size_t i = 0; i < borders; ++i) cdf.push_back(cdf.back() + 1 + int32_t(numbers.next(1000)));
    cdf.push_back(65536);
    const std::vector<int32_t> lengths(3 * rows, int32_t(cdf.size()));
    const TableSet tables(cdf.data(), cdf.size(), starts.data(), lengths.data(), offsets.data(), 3 * rows);
    std::vector<float> levels;
    for (size_t i = 0; i < 2 * rows; ++i) {
        float level = 0.0f;
        for (int k = 0; k < 3; ++k) levels.push_back(level += 0.25f + float(numbers.next(1000)) / 500.0f);
        levels.push_back(0.5f + float(numbers.next(100)) / 50.0f);
    }
    const hpcm::Trellis machine(levels.data(), rows, tables);
    const size_t count = input.ConsumeIntegralInRange<size_t>(0, 300);
    std::vector<float> residual(count), values(count), decoded(count);
    std::vector<uint16_t> chosen(count), table_rows(count);
    std::vector<int32_t> symbols(count);
    for (size_t i = 0; i < count; ++i) {
        residual[i] = (float(numbers.next(2001)) - 1000.0f) / float(1 << numbers.next(12)) * (numbers.next(100) ? 1.0f : 16000.0f);
        chosen[i] = uint16_t(numbers.next(uint32_t(rows)));
    }
    hpcm::trellis_quantise(residual.data(), chosen.data(), count, machine, float(numbers.next(5)) / 2.0f, 8.67f, symbols.data(),
                           table_rows.data(), values.data());
    std::vector<uint8_t> stream = hpcm::rans_encode(symbols.data(), table_rows.data(), count, tables);
    RansDecoder decoder(stream.data(), stream.size(), tables);
    hpcm::decode_trellis(decoder, machine, chosen.data(), decoded.data(), count);
    decoder.finish();
    require(decoded == values);
    if (!stream.empty()) stream[input.ConsumeIntegralInRange<size_t>(0, stream.size() - 1)] ^= input.ConsumeIntegral<uint8_t>();
    try {
        RansDecoder damaged(stream.data(), stream.size(), tables);
        hpcm::decode_trellis(damaged, machine, chosen.data(), decoded.data(), count);
        damaged.finish();
    } catch (const hpcm::StreamTruncated&) {
    } catch (const hpcm::StreamCorrupt&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    FuzzedDataProvider input(data, size);
    const int kind = input.ConsumeIntegralInRange(0, 12);
    if (kind == 0) return any_tables(input), 0;
    if (kind > 9) return trellis(input), 0;
    const std::unique_ptr<TableSet> tables = valid_tables(input);
    const std::vector<uint16_t> rows = some_rows(input, *tables);
    const uint32_t seed = input.ConsumeIntegral<uint32_t>();
    std::vector<int32_t> decoded;
    if (kind < 5) {
        const std::vector<uint8_t> stream = input.ConsumeRemainingBytes<uint8_t>();
        // a stream has one content: what decodes soundly is what the encoder would have written
        if (decode(stream, rows, *tables, seed, &decoded)) {
            require(hpcm::rans_encode(decoded.data(), rows.data(), rows.size(), *tables) == stream);
        }
        return 0;
    }
    const std::vector<int32_t> symbols = some_symbols(input, rows, *tables);
    std::vector<uint8_t> stream = hpcm::rans_encode(symbols.data(), rows.data(), rows.size(), *tables);
    std::vector<float> bits(rows.size());
    hpcm::symbol_bits(symbols.data(), rows.data(), rows.size(), *tables, bits.data());
    require(decode(stream, rows, *tables, seed, &decoded) && decoded == symbols);
    while (input.remaining_bytes() && !stream.empty()) {
        const size_t position = input.ConsumeIntegralInRange<size_t>(0, stream.size() - 1);
        if (input.ConsumeBool()) {
            stream.resize(position);
        } else {
            stream[position] = input.ConsumeIntegral<uint8_t>();
        }
    }
    if (decode(stream, rows, *tables, seed, &decoded)) {
        require(hpcm::rans_encode(decoded.data(), rows.data(), rows.size(), *tables) == stream);
    }
    return 0;
}
