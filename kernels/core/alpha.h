// The alpha plane of a file (FORMAT.md section 5).
#pragma once

#include "bytes.h"
#include "squares.h"

namespace hpcm {

// The samples of a rectangle of a plane of height x width, made smaller by `scale`, to `out`. Fails with `corrupt` if the payload
// is not exactly such a plane.
void decode_alpha(Bytes payload, uint32_t height, uint32_t width, const Region& region, int scale, uint8_t* out);

}  // namespace hpcm
