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
    std::string model_name;
    float quality = 0.0f;  // 1..100; 0 for a model of one rate
    int channels = 3;      // 1 (grey) or 3
    int bit_depth = 8;
    int streams = 4;         // of a tile
    uint32_t tile_size = 0;  // side of an entropy tile in pixels; 0 for one tile

    uint32_t tile_rows() const { return tile_size == 0 ? 1 : (height - 1) / tile_size + 1; }
    uint32_t tile_columns() const { return tile_size == 0 ? 1 : (width - 1) / tile_size + 1; }
    uint64_t tiles() const { return uint64_t(tile_rows()) * tile_columns(); }
};

// Fails with `corrupt`, or with `unsupported` for what only a newer version can mean. One header has one byte string: any other
// encoding of it is refused.
Header parse_header(Bytes packed);

}  // namespace hpcm
