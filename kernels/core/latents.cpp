#include "latents.h"

#include "crc32.h"

namespace hpcm {

TileArea::TileArea(const Program& program, int64_t height, int64_t width)
    : grid{ceil_div(height, program.unit) * program.unit / program.stride, ceil_div(width, program.unit) * program.unit / program.stride},
      own_rows(ceil_div(height, program.coded_unit) * program.coded_unit / program.stride),
      own_columns(ceil_div(width, program.coded_unit) * program.coded_unit / program.stride),
      hyper_own_rows(ceil_div(height, program.hyper_stride)), hyper_own_columns(ceil_div(width, program.hyper_stride)) {}

Shape TileArea::hyper(const Program& program) const {
    const Size side{1, program.hyper_stride / program.stride};
    return {program.hyper_channels, side.at(grid.rows), side.at(grid.columns)};
}

uint32_t check_of(const float* latents, size_t count) { return crc32(latents, count * 4); }

}  // namespace hpcm
