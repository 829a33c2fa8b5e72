// How likely each of sixteen symbols is, learned in many places; two places speak for each symbol.
// Normative description: formats/EXACT.md, "Symbols".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_lanes.h"
#include "portable.h"

namespace hpcm::exact {

constexpr int kSymbols = 16;

// A place: sixteen numbers. Number j >= 1: how likely a symbol below j is, in units of 2^-15. Number 0: how often it was used.
using Place = uint16_t;

struct SymbolTables {
    uint16_t targets[kSymbols][kSymbols];    // what a place nears when a symbol was seen
    uint8_t rates[256];                      // how slowly, by its count: a shift
};
extern const SymbolTables kSymbolTables;

constexpr int kMostUsed = 255;
constexpr int kRarest = 4;    // of 2^15: what a symbol keeps at least

// Many places, each within one cache line.
class Places {
public:
    explicit Places(size_t count) : numbers_((count + 1) * kSymbols) {
        first_ = numbers_.data();
        while (reinterpret_cast<uintptr_t>(first_) % 32) ++first_;
        for (size_t i = 0; i < count * kSymbols; ++i) first_[i] = Place(i % kSymbols * (32768 / kSymbols));
    }
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;
    Place* operator[](size_t i) { return first_ + i * kSymbols; }

private:
    std::vector<Place> numbers_;
    Place* first_;
};

struct PlaceLanes {
    Lanes low, high;
    int count;

    explicit PlaceLanes(const Place* p) : low(Lanes::load(p)), high(Lanes::load(p + 8)), count(p[0]) {}
    // Without the count, which stands in the first lane.
    void learn(Place* p, Lanes target_low, Lanes target_high) const {
        const int rate = kSymbolTables.rates[count];
        const Lanes more = Lanes::of(count < kMostUsed, 0, 0, 0, 0, 0, 0, 0);
        const Lanes step = (target_low - low).right(rate) & Lanes::of(0, -1, -1, -1, -1, -1, -1, -1);
        (low + step + more).store(p);
        (high + (target_high - high).right(rate)).store(p + 8);
    }
};

// Codes a symbol of 0..15 as both places have it, each as likely to be right.
template <typename Coder>
HPCM_ALWAYS_INLINE int code_symbol(Coder& coder, Place* first, Place* second, int symbol) {
    const PlaceLanes a(first), b(second);
    const Lanes low = (a.low + b.low) & Lanes::of(0, -1, -1, -1, -1, -1, -1, -1);
    symbol = coder.code_symbol(symbol, low, a.high + b.high);
    const Lanes target_low = Lanes::load(kSymbolTables.targets[symbol]), target_high = Lanes::load(kSymbolTables.targets[symbol] + 8);
    a.learn(first, target_low, target_high);
    b.learn(second, target_low, target_high);
    return symbol;
}

}  // namespace hpcm::exact
