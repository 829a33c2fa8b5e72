// Whether bytes are UTF-8 (RFC 3629): shortest forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hpcm {

inline bool is_utf8(const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size;) {
        const uint8_t first = bytes[i++];
        if (first < 0x80) continue;
        if (first < 0xC2 || first > 0xF4) return false;
        const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        uint32_t code = first & (0x3Fu >> more);
        for (int k = 0; k < more; ++k, ++i) {
            if (i == size || (bytes[i] & 0xC0) != 0x80) return false;
            code = code << 6 | (bytes[i] & 0x3Fu);
        }
        const uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
        if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    }
    return true;
}

}  // namespace hpcm
