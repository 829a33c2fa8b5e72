// Bytes in memory that somebody else owns, and numbers in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "status.h"

namespace hpcm {

struct Bytes {
    const uint8_t* data = nullptr;
    size_t size = 0;

    bool empty() const { return size == 0; }
    Bytes part(size_t first, size_t count) const { return {data + first, count}; }
    Bytes from(size_t first) const { return {data + first, size - first}; }
    std::string text() const { return std::string(reinterpret_cast<const char*>(data), size); }
};

inline bool operator==(const Bytes& a, const Bytes& b) {
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; ++i) {
        if (a.data[i] != b.data[i]) return false;
    }
    return true;
}

inline uint32_t load_u32(const uint8_t* p) {
    return uint32_t(p[0]) | uint32_t(p[1]) << 8 | uint32_t(p[2]) << 16 | uint32_t(p[3]) << 24;
}

inline uint64_t load_u64(const uint8_t* p) { return uint64_t(load_u32(p)) | uint64_t(load_u32(p + 4)) << 32; }

// Reads an unsigned LEB128 number of at most 2^32 - 1 at `position`, which moves behind it. Fails with `truncated` where the
// bytes end, with `corrupt` for numbers that are too large or padded (FORMAT.md section 2.1).
inline uint32_t read_leb128(Bytes bytes, size_t& position) {
    uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        if (position >= bytes.size) fail(Status::truncated, "the file ends inside a number; it was cut off");
        const uint8_t byte = bytes.data[position++];
        value |= uint64_t(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (value > UINT32_MAX || (byte == 0 && shift != 0)) break;
            return uint32_t(value);
        }
    }
    fail(Status::corrupt, "a number is too large or padded");
}

// Bytes of a number as LEB128.
inline size_t leb128_size(uint64_t value) {
    size_t size = 1;
    for (; value > 0x7f; value >>= 7) ++size;
    return size;
}

}  // namespace hpcm
