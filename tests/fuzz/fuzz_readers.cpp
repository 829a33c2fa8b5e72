// libFuzzer: everything of a file that is read before a pixel is: containers as they are and with their checksums made right,
// headers, packed metadata, EXIF, JSON. Checks: nothing but the stated errors, counts and sizes within the file's own bytes, and
// that what a reader accepts is accepted again with the same outcome.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "container.h"
#include "crc32.h"
#include "exif.h"
#include "flats.h"
#include "inflate.h"
#include "json.h"
#include "status.h"

namespace {

using hpcm::Bytes;

void require(bool condition) {
    if (!condition) std::abort();
}

// Whether `body` ended without an error of the reader's own.
template <typename Body>
bool accepted(Body body) {
    try {
        body();
        return true;
    } catch (const hpcm::Error& error) {
        const std::string said = error.what();
        require(!said.empty() && said.find('\n') == std::string::npos);
        return false;
    }
}

void put_u32(std::vector<uint8_t>& data, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) data[at + i] = uint8_t(value >> (8 * i));
}

// Signature, version and every checksum as they should be, as far as the structure goes.
void mend(std::vector<uint8_t>& data) {
    const uint8_t start[5] = {0xc8, 'P', '\r', '\n', 1};
    std::copy_n(start, std::min<size_t>(5, data.size()), data.begin());
    const Bytes bytes{data.data(), data.size()};
    size_t position = 5;
    accepted([&] {
        const size_t length = hpcm::read_leb128(bytes, position);
        if (length > bytes.size - position || bytes.size - position - length < 4) return;
        position += length;
        uint32_t crc = hpcm::crc32(data.data() + 4, position - 4);
        put_u32(data, position, crc);
        position += 4;
        while (position < data.size()) {
            const size_t head = position++;
            const size_t size = hpcm::read_leb128(bytes, position);
            if (size > bytes.size - position || bytes.size - position - size < 4) return;
            crc = hpcm::crc32(data.data() + head, position + size - head, crc);
            position += size;
            put_u32(data, position, crc);
            position += 4;
        }
    });
}

void use(const hpcm::Container& file, size_t size, uint32_t checksum) {
    require(file.header().tiles() == 0 || file.tiles_present() <= file.header().tiles());
    accepted([&] {
        const hpcm::Contents contents = file.contents();
        uint64_t sum = contents.exact;
        for (const uint64_t bytes : contents.streams) sum += bytes;
        require(sum <= size && contents.exact_tiles <= file.exact().size());
    });
    for (const hpcm::Kind kind : {hpcm::Kind::icc, hpcm::Kind::exif, hpcm::Kind::xmp}) {
        accepted([&] {
            const auto block = file.metadata(kind);
            require(!block || block->size() <= file.limits().metadata);
        });
    }
    // The exact coder's tables take a millisecond, and it has a target of its own: one input in 256.
    if (checksum % 256 == 0 && uint64_t(file.header().width) * file.header().height <= 1 << 16) {
        accepted([&] {
            if (const auto flat = file.payload(hpcm::Kind::flat)) hpcm::Flats(*flat, file.header());
        });
    }
}

void container(std::vector<uint8_t> data, bool mended) {
    if (mended) mend(data);
    const Bytes bytes{data.data(), data.size()};
    const uint32_t checksum = hpcm::crc32(data.data(), data.size());
    hpcm::Limits limits;
    limits.metadata = 1 << 16;
    const bool whole = accepted([&] {
        const hpcm::Container file(bytes, limits, false);
        use(file, data.size(), checksum);
        accepted([&] { file.verify(); });
    });
    const bool part = accepted([&] {
        const hpcm::Container file(bytes, limits, true);
        if (whole) return require(!file.truncated());
        use(file, data.size(), checksum);
    });
    require(part || !whole);  // who takes cut files takes whole ones
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const Bytes rest{data + 1, size - 1};
    switch (*data % 8) {
        case 0: container({rest.data, rest.data + rest.size}, false); break;
        case 1: case 2: case 3: container({rest.data, rest.data + rest.size}, true); break;
        case 4:
            accepted([&] {
                const hpcm::Header header = hpcm::parse_header(rest);
                require(header.width >= 1 && header.width <= hpcm::kMaxSide && header.height >= 1 && header.height <= hpcm::kMaxSide);
                require(header.bit_depth >= 8 && header.bit_depth <= 16 && header.samples() >= 1 && header.samples() <= 4);
            });
            break;
        case 5:
            if (rest.size < 2) break;
            accepted([&] {
                const size_t wanted = rest.data[0] | size_t(rest.data[1]) << 8;
                require(hpcm::inflate(rest.from(2), wanted).size() == wanted);
            });
            break;
        case 6: hpcm::exif_problem(rest); break;
        default:
            accepted([&] { hpcm::Json::parse(std::string_view(reinterpret_cast<const char*>(rest.data), rest.size)); });
    }
    return 0;
}
