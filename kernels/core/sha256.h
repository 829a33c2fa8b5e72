// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace hpcm {

using Digest = std::array<uint8_t, 32>;

Digest sha256(const void* data, size_t n);

// In lower-case hexadecimal.
std::string hex(const uint8_t* bytes, size_t n);

}  // namespace hpcm
