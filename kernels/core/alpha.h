// The alpha plane of a file (FORMAT.md section 5).
#pragma once

#include <vector>

#include "bytes.h"

namespace hpcm {

// height * width samples. Fails with `corrupt` if the payload is not exactly such a plane.
std::vector<uint8_t> decode_alpha(Bytes payload, uint32_t height, uint32_t width);

}  // namespace hpcm
