// The latents of one entropy tile: its grid, which part of it is coded, and what is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "operation.h"
#include "program.h"

namespace hpcm {

constexpr int64_t ceil_div(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

// Of a tile of height x width pixels. Only what the picture covers is coded, in whole cells of coded_unit; elsewhere all
// sides take symbol 0.
struct TileArea {
    TileArea(const Program& program, int64_t height, int64_t width);

    Grid grid;                      // of the latents, padding included
    int64_t own_rows, own_columns;  // that are coded
    int64_t hyper_own_rows, hyper_own_columns;

    bool padded() const { return own_rows != grid.rows || own_columns != grid.columns; }
    Shape hyper(const Program& program) const;  // of the hyper-latent, padding included
    size_t count(int64_t channels) const { return static_cast<size_t>(channels * grid.rows * grid.columns); }
};

// The check value of decoded latents: of binary32 numbers as little-endian bytes.
uint32_t check_of(const float* latents, size_t count);

}  // namespace hpcm
