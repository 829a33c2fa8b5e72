#include "exact_model.h"

#include "exact_symbols.h"

namespace hpcm::exact {
namespace {

constexpr uint64_t kDecay = 4278222805;    // exp(-1 / 256) in units of 2^-32

ModelTables make_tables() {
    ModelTables t{};
    const uint64_t one = uint64_t(1) << 60;
    uint64_t e = one;    // exp(-i / 256)
    for (int i = 0; i <= kSquashLimit; ++i) {
        const uint64_t p = (uint64_t(1) << 62) / ((one + e) >> 14);    // 65536 / (1 + e)
        t.squash[kSquashLimit + i] = uint16_t(p);
        t.squash[kSquashLimit - i] = uint16_t(65536 - p);
        e = (e >> 32) * kDecay + (((e & 0xffffffffu) * kDecay) >> 32);
    }
    for (int i = 0, x = -kStretchLimit; i < 4096; ++i) {
        while (x < kStretchLimit && t.squash[kSquashLimit + x] < 16 * i + 8) ++x;
        t.stretch[i] = int16_t(x);
    }
    for (int i = 0; i < 256; ++i) t.rate[i] = uint16_t(16384 / (2 * i + 3));
    for (int i = 128; i < 256; ++i) t.reciprocal[i] = uint16_t(32768 / i);
    for (int i = 0; i <= ModelTables::kLargest; ++i) {
        const int size = (i >= 5) + (i >= 48) + (i >= 128) + (i >= 320);
        t.classes[ModelTables::kLargest + i] = int8_t(size);
        t.classes[ModelTables::kLargest - i] = int8_t(-size);
    }
    return t;
}

SymbolTables make_symbol_tables() {
    SymbolTables t{};
    for (int s = 0; s < kSymbols; ++s) {
        for (int j = 1; j < kSymbols; ++j) t.targets[s][j] = uint16_t(j <= s ? kRarest * j : 32768 - kRarest * (kSymbols - j));
    }
    for (int i = 0; i < 256; ++i) t.rates[i] = uint8_t(i < 3 ? 2 : i < 8 ? 3 : i < 20 ? 4 : i < 60 ? 5 : i < 150 ? 6 : 7);
    return t;
}

}  // namespace

const ModelTables kTables = make_tables();
const SymbolTables kSymbolTables = make_symbol_tables();

}  // namespace hpcm::exact
