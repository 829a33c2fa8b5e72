// The header of an hpc file: a canonical msgpack map with small integer keys (FORMAT.md section 3).
#pragma once

#include <array>
#include <string>

#include "bytes.h"

namespace hpcm {

constexpr uint32_t kMaxSide = 1u << 30;
constexpr uint32_t kTileUnit = 64;
constexpr size_t kMaxHeaderBytes = 1024;

struct Header {
    uint32_t width = 0, height = 0;
    std::array<uint8_t, 8> model_id{};
    std::string model_name;  // empty: there is no learned picture, all is exact
    float quality = 0.0f;    // 1..100; 0 for a model of one rate, or none
    int channels = 3;        // of colour: 1 (grey) or 3
    bool alpha = false;
    int bit_depth = 8;             // 8..16
    int streams = 4;               // of a learned tile
    uint32_t tile_size = 0;        // side of an entropy tile in pixels; 0 for one tile
    uint32_t exact_tile_size = 0;  // likewise of an exact tile
    int most_error = -1;           // of any sample, as the encoder says; -1: it says nothing
    std::array<uint8_t, 3> cicp{};  // H.273: primaries, transfer characteristics, full range or not; zeros: it says nothing

    bool learned() const { return !model_name.empty(); }
    int samples() const { return channels + (alpha ? 1 : 0); }  // of a pixel
    uint64_t tiles() const { return learned() ? tiles_of(tile_size) : 0; }
    uint64_t exact_tiles() const { return tiles_of(exact_tile_size); }

private:
    uint64_t tiles_of(uint32_t side) const {
        return side == 0 ? 1 : (uint64_t(height - 1) / side + 1) * (uint64_t(width - 1) / side + 1);
    }
};

// Fails with `corrupt`, or with `unsupported` for what only a newer version can mean. One header has one byte string: any other
// encoding of it is refused.
Header parse_header(Bytes packed);

}  // namespace hpcm
