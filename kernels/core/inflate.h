// zlib streams (RFC 1950, 1951), as metadata is packed in.
#pragma once

#include <vector>

#include "bytes.h"

namespace hpcm {

// The `size` bytes of a stream that fills `packed` exactly. Fails with `corrupt` for anything else, and never holds more than
// `size` bytes.
std::vector<uint8_t> inflate(Bytes packed, size_t size);

}  // namespace hpcm
