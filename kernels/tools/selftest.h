// Self-test of the arithmetic: every operation on made-up numbers, its results to be hashed and compared across machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hpcm {

// Receives the name of an operation and the bytes of its result.
using SelfTestReport = std::function<void(const std::string& name, const void* data, size_t bytes)>;

// The same numbers everywhere: multiples of 2^-23 in [-1, 1) times scale, plus shift (two exact or once rounded steps).
inline std::vector<float> selftest_numbers(size_t count, uint32_t seed, float scale, float shift = 0.0f) {
    std::vector<float> numbers(count);
    uint32_t state = seed;
    for (float& x : numbers) {
        state = state * 1664525u + 1013904223u;
        const float unit = static_cast<float>(static_cast<int32_t>(state >> 8) - (1 << 23)) * 0x1p-23f;
        x = unit * scale + shift;
    }
    return numbers;
}

// Runs every area at the current level: name of the operation -> FNV-1a hash (64 bits, hex) of all it reported.
std::map<std::string, std::string> self_test();

// One per area; the caller holds an FpGuard.
void selftest_conv(const SelfTestReport& report);
void selftest_functions(const SelfTestReport& report);
void selftest_entropy(const SelfTestReport& report);
void selftest_trellis(const SelfTestReport& report);
void selftest_wkv(const SelfTestReport& report);
void selftest_bank(const SelfTestReport& report);
void selftest_operations(const SelfTestReport& report);

}  // namespace hpcm
