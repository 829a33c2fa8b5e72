// Whether numbers are numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hpcm {

// Whether none of them is infinite or no number. By their bits, which compilers make vectors of.
inline bool finite(const float* values, size_t count) {
    uint32_t highest = 0;
    for (size_t i = 0; i < count; ++i) {
        uint32_t bits;
        std::memcpy(&bits, values + i, 4);
        highest = std::max(highest, bits & 0x7fffffff);
    }
    return highest < 0x7f800000;
}

}  // namespace hpcm
