// Channels in the order in which they are coded: green first, since the others follow it best; alpha last.
#pragma once

#include <stdexcept>
#include <vector>

#include "exact.h"

namespace hpcm::exact {

constexpr int kOrder[kMaxChannels][kMaxChannels] = {{0}, {0, 1}, {1, 0, 2}, {1, 0, 2, 3}};

// Pixels side by side, channels in coding order. Throws std::invalid_argument for a sample beyond the depth.
template <typename T>
std::vector<uint16_t> load(View<const T> in, const Shape& shape) {
    const size_t channels = size_t(shape.channels);
    std::vector<uint16_t> out(shape.width * shape.height * channels);
    const int* order = kOrder[shape.channels - 1];
    uint16_t all = 0;
    uint16_t* to = out.data();
    for (size_t y = 0; y < shape.height; ++y) {
        const T* from = in.data + y * in.stride;
        for (size_t x = 0; x < shape.width; ++x, from += channels) {
            for (size_t k = 0; k < channels; ++k) all = uint16_t(all | (*to++ = from[order[k]]));
        }
    }
    if (all > shape.last()) throw std::invalid_argument("a sample is beyond the depth");
    return out;
}

}  // namespace hpcm::exact
