// CRC-32 as in zlib and PNG (polynomial 0xEDB88320, reflected).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hpcm {

// Of n bytes, going on from the CRC of what comes before them (0 for nothing).
uint32_t crc32(const void* data, size_t n, uint32_t before = 0);

}  // namespace hpcm
