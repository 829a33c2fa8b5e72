// The exact coder: a rectangle of samples as bytes, without loss or within a stated error, alone or given a reference.
// Normative description: formats/EXACT.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_plan.h"

namespace hpcm::exact {

// Samples of a rectangle: pixels of shape.channels samples side by side, `stride` samples from row to row.
template <typename T>
struct View {
    T* data = nullptr;
    size_t stride = 0;
};

constexpr uint64_t kMaxPixels = uint64_t(1) << 28;

struct Options {
    int32_t near = 0;
    int effort = 0;    // 1: tries what makes photographs smaller, but slower to decode
};

// T: uint8_t (depths up to 8) or uint16_t. Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. `reference` has the same shape, or no
// data. Throws std::invalid_argument for shapes that cannot be, and samples or references beyond the depth.
template <typename T>
std::vector<uint8_t> encode(View<const T> samples, const Shape& shape, View<const T> reference, const Options& options);

// The inverse. Throws StreamCorrupt for streams that no encoder wrote, where that can be known, StreamNewer for later methods.
template <typename T>
void decode(const uint8_t* data, size_t size, const Shape& shape, View<const T> reference, View<T> samples);

void check(const Shape& shape, size_t sample_bytes);

}  // namespace hpcm::exact
