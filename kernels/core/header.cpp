#include "header.h"

#include <cmath>
#include <cstring>

#include "utf8.h"

namespace hpcm {
namespace {

// From here on a reader may ignore keys that it does not know.
constexpr uint64_t kOptionalKeys = 64;
constexpr uint64_t kMaxKey = 127;
constexpr uint64_t kCodePoints = 65;
constexpr int kMaxDepth = 4;

[[noreturn]] void damaged(const std::string& what) { fail(Status::corrupt, "the header is damaged: " + what); }

[[noreturn]] void newer(const std::string& what) {
    fail(Status::unsupported, what + " is of a newer format; update hpcmcodec");
}

// Reads canonical msgpack: every number in its shortest form, floats of 32 bits.
class Reader {
public:
    explicit Reader(Bytes bytes) : bytes_(bytes) {}

    bool at_end() const { return position_ == bytes_.size; }
    uint8_t peek() const {
        if (at_end()) damaged("it ends too early");
        return bytes_.data[position_];
    }

    // A map's or an array's number of elements, or a number >= 0.
    uint64_t integer() {
        const uint8_t kind = byte();
        if (kind < 0x80) return kind;
        switch (kind) {
            case 0xcc: return at_least(big_endian(1), 0x80);
            case 0xcd: return at_least(big_endian(2), 0x100);
            case 0xce: return at_least(big_endian(4), 0x10000);
            case 0xcf: return at_least(big_endian(8), uint64_t(1) << 32);
            default: damaged("a value is no whole number");
        }
    }

    float number() {
        if (byte() != 0xca) damaged("a value is no binary32 number");
        const uint32_t bits = uint32_t(big_endian(4));
        float value;
        std::memcpy(&value, &bits, 4);
        return value;
    }

    size_t map() { return sized(0x80, 0xde); }

    Bytes text() {
        const uint8_t kind = byte();
        if (kind >> 5 == 5) return take(kind & 31);
        if (kind == 0xd9) return take(size_t(at_least(big_endian(1), 32)));
        damaged("a value is no text");
    }

    Bytes binary() {
        if (byte() != 0xc4) damaged("a value is no binary string");
        return take(size_t(big_endian(1)));
    }

    // Any value, in its shortest form.
    void skip(int depth = 0) {
        if (depth > kMaxDepth) damaged("it is nested too deeply");
        const uint8_t kind = peek();
        if (kind < 0x80 || (kind >= 0xcc && kind <= 0xcf)) {
            integer();
        } else if (kind >> 4 == 8 || kind == 0xde) {
            const size_t count = map();
            uint64_t before = 0;
            for (size_t i = 0; i < count; ++i) {
                const uint64_t key = integer();
                if (i != 0 && key <= before) damaged("keys do not ascend");
                before = key;
                skip(depth + 1);
            }
        } else if (kind >> 4 == 9 || kind == 0xdc) {
            for (size_t left = sized(0x90, 0xdc); left != 0; --left) skip(depth + 1);
        } else if (kind >> 5 == 5 || kind == 0xd9) {
            const Bytes value = text();
            if (!is_utf8(value.data, value.size)) damaged("a text that is not UTF-8");
        } else if (kind == 0xc4) {
            binary();
        } else if (kind == 0xca) {
            if (!std::isfinite(number())) damaged("a number is not finite");
        } else if (kind == 0xc0 || kind == 0xc2 || kind == 0xc3) {
            byte();
        } else if (kind >= 0xe0) {  // -32 .. -1
            byte();
        } else {
            damaged("a value of a type that no header has");
        }
    }

private:
    uint8_t byte() {
        const uint8_t value = peek();
        ++position_;
        return value;
    }

    uint64_t big_endian(int count) {
        uint64_t value = 0;
        for (; count != 0; --count) value = value << 8 | byte();
        return value;
    }

    static uint64_t at_least(uint64_t value, uint64_t least) {
        if (value < least) damaged("a number is not in its shortest form");
        return value;
    }

    size_t sized(uint8_t shortest, uint8_t longer) {
        const uint8_t kind = byte();
        if (kind >> 4 == shortest >> 4) return kind & 15;
        if (kind != longer) damaged("a value of the wrong type");
        const uint64_t count = at_least(big_endian(2), 16);
        if (count > 64) damaged("a list is too long");
        return size_t(count);
    }

    Bytes take(size_t count) {
        if (count > bytes_.size - position_) damaged("it ends too early");
        const Bytes part = bytes_.part(position_, count);
        position_ += count;
        return part;
    }

    Bytes bytes_;
    size_t position_ = 0;
};

uint32_t within(uint64_t value, uint64_t low, uint64_t high, const char* what) {
    if (value < low || value > high) damaged(std::string(what) + " " + std::to_string(value));
    return uint32_t(value);
}

bool is_name(const std::string& name) {
    if (name.empty() || name.size() > 48) return false;
    for (size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const bool first = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!first && (i == 0 || (c != '.' && c != '_' && c != '-'))) return false;
    }
    return true;
}

// 1..100: a whole number where it is one, else binary32.
float quality_of(Reader& reader) {
    if (reader.peek() != 0xca) return float(within(reader.integer(), 1, 100, "quality"));
    const float quality = reader.number();
    if (!(quality >= 1.0f && quality <= 100.0f) || quality == std::floor(quality)) damaged("quality");
    return quality;
}

// A value that is left out where it has its default must not have it.
template <typename T>
T not_default(T value, T common, const char* what) {
    if (value == common) damaged(std::string(what) + " is written though it is the default");
    return value;
}

uint32_t tile_side(Reader& reader) { return within(reader.integer(), 1, kMaxSide / kTileUnit, "tile size") * kTileUnit; }

void read_field(Reader& reader, uint64_t key, Header& header) {
    switch (key) {
        case 0: header.width = within(reader.integer(), 1, kMaxSide, "width"); break;
        case 1: header.height = within(reader.integer(), 1, kMaxSide, "height"); break;
        case 2: {
            const Bytes id = reader.binary();
            if (id.size != header.model_id.size()) damaged("the model's id is not 8 bytes");
            std::memcpy(header.model_id.data(), id.data, id.size);
            break;
        }
        case 3:
            header.model_name = reader.text().text();
            if (!is_name(header.model_name)) damaged("the model's name");
            break;
        case 4: header.quality = quality_of(reader); break;
        case 5: {
            const int samples = int(not_default<uint64_t>(within(reader.integer(), 1, 4, "number of channels"), 3, "channels"));
            header.channels = samples < 3 ? 1 : 3;
            header.alpha = samples % 2 == 0;
            break;
        }
        case 6: header.bit_depth = int(within(reader.integer(), 9, 16, "bit depth")); break;
        case 7: header.streams = int(not_default<uint64_t>(within(reader.integer(), 2, 8, "streams"), 4, "streams")); break;
        case 8: header.exact_tile_size = tile_side(reader); break;
        case 9: header.tile_size = tile_side(reader); break;
        case 10:
            if (reader.integer() == 0) damaged("flags are written though there are none");
            newer("a flag");
        case 11: header.most_error = int(within(reader.integer(), 0, 255, "greatest error")); break;
        case kCodePoints: {
            const Bytes points = reader.binary();
            if (points.size != header.cicp.size() || points.data[0] == 0 || points.data[1] == 0 || points.data[2] > 1) {
                damaged("code points");
            }
            std::memcpy(header.cicp.data(), points.data, points.size);
            break;
        }
        default:
            if (key < kOptionalKeys) newer("field " + std::to_string(key) + " of the header");
            reader.skip();
    }
}

}  // namespace

Header parse_header(Bytes packed) {
    if (packed.size > kMaxHeaderBytes) damaged(std::to_string(packed.size) + " bytes");
    Reader reader(packed);
    Header header;
    const size_t count = reader.map();
    uint64_t before = 0;
    bool id = false, of_tiles = false;  // there is an id, or something else that only learned tiles have
    for (size_t i = 0; i < count; ++i) {
        const uint64_t key = reader.integer();
        if (key > kMaxKey || (i < 2 ? key != i : key <= before)) damaged("its keys are not those of a header, ascending");
        before = key;
        id = id || key == 2;
        of_tiles = of_tiles || key == 4 || key == 7 || key == 9;
        read_field(reader, key, header);
    }
    if (count < 2 || !reader.at_end()) damaged("it has too few fields, or bytes follow it");
    if (id != header.learned() || (of_tiles && !id)) damaged("fields of a model that it does not name");
    return header;
}

}  // namespace hpcm
