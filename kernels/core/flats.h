// Blocks of a picture that have one value each (FORMAT.md section 5.1): white stays white under a learned picture.
#pragma once

#include <cstdint>
#include <vector>

#include "bytes.h"
#include "header.h"

namespace hpcm {

class Flats {
public:
    static constexpr int64_t kSide = 16;  // of a block in pixels

    Flats() = default;
    // Fails with `corrupt`.
    Flats(Bytes payload, const Header& header);

    bool empty() const { return map_.empty(); }
    // The colours of the block at a pixel, or null.
    const uint16_t* at(int64_t y, int64_t x) const {
        const uint8_t index = map_[size_t(y / kSide * columns_ + x / kSide)];
        return index == 0 ? nullptr : values_.data() + size_t(index - 1) * channels_;
    }

private:
    int64_t columns_ = 0;
    size_t channels_ = 0;
    std::vector<uint16_t> values_;
    std::vector<uint8_t> map_;
};

}  // namespace hpcm
