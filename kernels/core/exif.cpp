#include "exif.h"

#include <cstring>

namespace hpcm {
namespace {

constexpr unsigned kOrientation = 0x0112, kShort = 3, kLong = 4;
constexpr size_t kEntry = 12;

// Numbers of a TIFF structure in its own order of bytes.
struct Tiff {
    Bytes block;
    bool little;

    bool has(size_t at, size_t count) const { return at <= block.size && block.size - at >= count; }
    unsigned u16(size_t at) const {
        const unsigned a = block.data[at], b = block.data[at + 1];
        return little ? a | b << 8 : a << 8 | b;
    }
    uint32_t u32(size_t at) const { return little ? u16(at) | u16(at + 2) << 16 : u16(at) << 16 | u16(at + 2); }

    // Whether an entry of the first directory, of type SHORT, or LONG as some writers have it, gives an orientation but 1.
    bool turned(size_t entry) const {
        const unsigned type = u16(entry + 2);
        const uint32_t count = u32(entry + 4), most = type == kShort ? 2 : type == kLong ? 1 : 0;
        if (u16(entry) != kOrientation || count < 1 || count > most) return false;
        return (type == kShort ? u16(entry + 8) : u32(entry + 8)) != 1;
    }
};

}  // namespace

std::optional<std::string> exif_problem(Bytes block) {
    const bool little = block.size >= 4 && std::memcmp(block.data, "II*\0", 4) == 0;
    if (!little && (block.size < 4 || std::memcmp(block.data, "MM\0*", 4) != 0)) return "the EXIF data is no TIFF structure";
    const Tiff tiff{block, little};
    if (!tiff.has(4, 4)) return std::nullopt;
    const size_t folder = tiff.u32(4);
    if (!tiff.has(folder, 2)) return std::nullopt;
    size_t entry = folder + 2;
    for (unsigned left = tiff.u16(folder); left != 0 && tiff.has(entry, kEntry); --left, entry += kEntry) {
        if (tiff.turned(entry)) return "the EXIF data has another orientation than the picture, which is upright";
    }
    return std::nullopt;
}

}  // namespace hpcm
