#include "container.h"

#include <cstring>

#include "crc32.h"
#include "exif.h"
#include "inflate.h"

namespace hpcm {
namespace {

constexpr uint8_t kSignature[4] = {0xc8, 'P', '\r', '\n'};
constexpr uint8_t kVersion = 1;
constexpr uint8_t kCritical = 0x80, kLast = 0x40, kOrder = 0x3f;
constexpr size_t kMaxUnknown = 64;
constexpr uint64_t kLeastTile = 1u << 22;  // pixels that are decoded at once whatever the limit

[[noreturn]] void refuse_signature(Bytes data) {
    const auto starts = [&](const char* text, size_t n) { return data.size >= n && std::memcmp(data.data, text, n) == 0; };
    if (starts("HP\r\n\x01", 5) || starts("\xc8P\n\x01", 4) || starts("\xc8P\r\r\n", 5) || starts("\xc8P\r\x01", 4) ||
        starts("\xc3\x88P\r\n", 5) || starts("\xef\xbf\xbdP\r\n", 6)) {
        fail(Status::corrupt, "the file was changed by a transfer in text mode; transfer it again in binary mode");
    }
    if (!data.empty() && data.size < 4 && std::memcmp(data.data, kSignature, data.size) == 0) {
        fail(Status::truncated, "the file ends inside its signature; it was cut off");
    }
    fail(Status::not_hpc, "this is not an hpc file");
}

bool known(uint8_t kind) {
    switch (Kind(kind)) {
        case Kind::icc:
        case Kind::tile_index:
        case Kind::latent:
        case Kind::exact:
        case Kind::exif:
        case Kind::xmp:
        case Kind::flat: return true;
    }
    return false;
}

void check_size(const Header& header, const Limits& limits) {
    const uint64_t pixels = uint64_t(header.width) * header.height;
    const std::string size = std::to_string(header.width) + " x " + std::to_string(header.height) + " pixels";
    const std::string limit = std::to_string(limits.pixels) + "; see --max-pixels";
    if (pixels > limits.pixels) fail(Status::limit, size + " are more than the limit of " + limit);
    const auto padded_side = [](uint64_t side) { return (side + kTileUnit - 1) / kTileUnit * kTileUnit; };
    const uint64_t padded = padded_side(header.width) * padded_side(header.height);
    if (padded > kLeastTile && padded / 4 > limits.pixels) {
        fail(Status::limit, size + " are padded to " + std::to_string(padded) + ", more than four times the limit of " + limit);
    }
}

// One chunk at `position`, which moves behind it. Fails with `truncated` where not even its head is there.
Chunk read_chunk(Bytes data, size_t& position, uint32_t seed, bool& last) {
    if (position >= data.size) fail(Status::truncated, "the file ends before its last chunk; it was cut off");
    const size_t start = position;
    const uint8_t type = data.data[position++];
    Chunk chunk;
    chunk.kind = uint8_t(type & ~kLast);
    last = (type & kLast) != 0;
    const size_t length = read_leb128(data, position);
    chunk.head = data.part(start, position - start);
    chunk.seed = seed;
    const size_t left = data.size - position;
    chunk.cut = left < length || left - length < 4;
    chunk.payload = data.part(position, left < length ? left : length);
    if (!chunk.cut) chunk.crc = load_u32(chunk.payload.data + length);
    position += chunk.cut ? left : length + 4;
    if (!known(chunk.kind) && ((chunk.kind & kOrder) == 0 || known(chunk.kind ^ kCritical))) {
        fail(Status::corrupt, "chunk type " + std::to_string(chunk.kind) + " does not exist");
    }
    if (!known(chunk.kind) && (chunk.kind & kCritical) != 0) {
        fail(Status::unsupported, "the file has a chunk that only newer versions can read; update hpcmcodec");
    }
    return chunk;
}

}  // namespace

void Chunk::verify() const {
    if (cut) fail(Status::truncated, "the file ends inside a chunk; it was cut off");
    if (crc32(payload.data, payload.size, crc32(head.data, head.size, seed)) != crc) {
        fail(Status::corrupt, "a chunk of type " + std::to_string(kind) + " is damaged (checksum mismatch)");
    }
}

Container::Container(Bytes data, const Limits& limits, bool allow_truncated) : limits_(limits) {
    if (data.size < 4 || std::memcmp(data.data, kSignature, 4) != 0) refuse_signature(data);
    if (data.size > 4 && data.data[4] != kVersion) {
        fail(Status::unsupported, "container version " + std::to_string(data.data[4]) + " is not known; update hpcmcodec");
    }
    size_t position = 5;
    const size_t length = read_leb128(data, position);
    if (length > kMaxHeaderBytes) fail(Status::corrupt, "the header claims " + std::to_string(length) + " bytes");
    if (data.size - position < length + 4) fail(Status::truncated, "the file ends inside its header; it was cut off");
    const uint32_t crc = load_u32(data.data + position + length);
    if (crc32(data.data + 4, position + length - 4) != crc) {
        fail(Status::corrupt, "the header is damaged (checksum mismatch)");
    }
    header_ = parse_header(data.part(position, length));
    check_size(header_, limits_);
    read_chunks(data, position + length + 4, crc, allow_truncated);
}

void Container::read_chunks(Bytes data, size_t position, uint32_t crc, bool allow_truncated) {
    uint8_t order = 0;
    bool last = false;
    while (!last) {
        Chunk chunk;
        try {
            chunk = read_chunk(data, position, crc, last);
        } catch (const Error& error) {
            if (error.status() != Status::truncated || !allow_truncated) throw;
            truncated_ = true;
            return;
        }
        if (chunk.cut && !allow_truncated) fail(Status::truncated, "the file ends inside a chunk; it was cut off");
        if (!known(chunk.kind) && !chunk.cut) chunk.verify();  // it will be skipped, and may be a known one, damaged
        crc = chunk.crc;
        add(chunk, order);
        if (chunk.cut) {
            truncated_ = true;
            return;
        }
    }
    check_complete();
    if (position != data.size) {
        fail(Status::corrupt, std::to_string(data.size - position) + " bytes follow the last chunk");
    }
}

// Known chunks come in the order of their types, once each; only tiles repeat.
void Container::add(const Chunk& chunk, uint8_t& order) {
    const bool latent = chunk.kind == uint8_t(Kind::latent), exact = chunk.kind == uint8_t(Kind::exact);
    if (known(chunk.kind)) {
        const uint8_t place = chunk.kind & kOrder;
        if (place < order || (place == order && !latent && !exact)) {
            fail(Status::corrupt, "a chunk of type " + std::to_string(chunk.kind) + " is repeated or out of order");
        }
        order = place;
    }
    if (exact) return add_exact(chunk);
    (latent ? latents_ : others_).push_back(chunk);
    if (latents_.size() > header_.tiles()) fail(Status::corrupt, "more than " + std::to_string(header_.tiles()) + " tiles");
    if (!known(chunk.kind) && ++unknown_ > kMaxUnknown) fail(Status::corrupt, "more than 64 chunks of unknown types");
}

// Parts ascend by tile; of one tile, colours and alpha stand in one part or in two.
void Container::add_exact(const Chunk& chunk) {
    if (chunk.cut) return;
    constexpr uint8_t both = ExactPart::kColours | ExactPart::kAlpha, on_top = ExactPart::kColours | ExactPart::kOnTop;
    ExactPart part;
    size_t position = 0;
    try {
        if (header_.exact_tile_size != 0) part.tile = read_leb128(chunk.payload, position);
    } catch (const Error&) {
        fail(Status::corrupt, "an exact tile is damaged (no number)");
    }
    if (chunk.payload.size - position < 5) fail(Status::corrupt, "an exact tile is too short");
    part.what = chunk.payload.data[position];
    part.check = load_u32(chunk.payload.data + position + 1);
    part.stream = chunk.payload.from(position + 5);
    if (part.what > 7) fail(Status::unsupported, "an exact tile is of a kind that only newer versions know; update hpcmcodec");
    const bool sound = part.what == ExactPart::kColours || (header_.alpha && (part.what == ExactPart::kAlpha || part.what == both)) ||
                       (header_.learned() && part.what == on_top);
    const bool follows = exact_.empty() || part.tile > exact_.back().tile ||
                         (part.tile == exact_.back().tile && !exact_.back().alpha() && part.what == ExactPart::kAlpha);
    if (!sound || !follows || part.tile >= header_.exact_tiles()) fail(Status::corrupt, "an exact tile is out of place");
    exact_chunks_.push_back(chunk);
    exact_.push_back(part);
}

// All learned tiles are there, and exact ones for what no learned ones show.
void Container::check_complete() const {
    if (latents_.size() != header_.tiles()) {
        fail(Status::corrupt, std::to_string(latents_.size()) + " tiles instead of " + std::to_string(header_.tiles()));
    }
    check_exact();
    for (const Chunk& chunk : others_) {
        if (chunk.kind == uint8_t(Kind::tile_index)) check_index(chunk.payload);
    }
}

void Container::check_exact() const {
    uint64_t colours = 0, alphas = 0;
    for (const ExactPart& part : exact_) {
        colours += part.colours() ? 1 : 0;
        alphas += part.alpha() ? 1 : 0;
    }
    if ((!header_.learned() && colours != header_.exact_tiles()) || (header_.alpha && alphas != header_.exact_tiles())) {
        fail(Status::corrupt, "an exact tile is missing");
    }
}

// An index stands in tiled files only and tells the sizes of the tiles' chunks.
void Container::check_index(Bytes index) const {
    bool good = header_.tile_size != 0 || header_.exact_tile_size != 0;
    size_t position = 0;
    try {
        for (const auto* chunks : {&latents_, &exact_chunks_}) {
            for (const Chunk& chunk : *chunks) good = good && read_leb128(index, position) == chunk.head.size + chunk.payload.size + 4;
        }
    } catch (const Error&) {
        good = false;
    }
    if (!good || position != index.size) fail(Status::corrupt, "the index of tiles does not fit the tiles");
}

Tile Container::tile(uint64_t index) const {
    Tile tile;
    tile.complete = false;
    if (index >= latents_.size()) return tile;
    const Chunk& chunk = latents_[size_t(index)];
    if (!chunk.cut) chunk.verify();
    const Bytes payload = chunk.payload;
    size_t position = 0;
    std::vector<size_t> lengths;
    try {
        if (header_.tile_size != 0 && read_leb128(payload, position) != index) {
            fail(Status::corrupt, "a tile stands in the place of another one");
        }
        if (payload.size - position < 4) fail(Status::truncated, "the file ends inside a tile; it was cut off");
        tile.check = load_u32(payload.data + position);
        position += 4;
        for (int i = 1; i < header_.streams; ++i) lengths.push_back(read_leb128(payload, position));
    } catch (const Error& error) {
        if (error.status() != Status::truncated) throw;
        if (chunk.cut) return tile;
        fail(Status::corrupt, "a tile is too short for its own head");
    }
    for (const size_t length : lengths) {
        if (length > payload.size - position) {
            if (chunk.cut) return tile;
            fail(Status::corrupt, "a stream is longer than its tile");
        }
        tile.streams.push_back(payload.part(position, length));
        position += length;
    }
    if (chunk.cut) return tile;
    tile.streams.push_back(payload.from(position));
    tile.complete = true;
    return tile;
}

std::optional<Bytes> Container::payload(Kind kind) const {
    for (const Chunk& chunk : others_) {
        if (chunk.kind != uint8_t(kind)) continue;
        if (chunk.cut) return std::nullopt;
        chunk.verify();
        return chunk.payload;
    }
    return std::nullopt;
}

std::optional<std::vector<uint8_t>> Container::metadata(Kind kind) const {
    const std::optional<Bytes> packed = payload(kind);
    if (!packed) return std::nullopt;
    std::vector<uint8_t> block = unpack(*packed);
    if (kind == Kind::exif) {
        if (const auto problem = exif_problem({block.data(), block.size()})) fail(Status::corrupt, *problem);
    }
    return block;
}

std::vector<uint8_t> Container::unpack(Bytes packed) const {
    if (packed.size < 2 || packed.data[0] > 1) fail(Status::corrupt, "metadata of unknown method");
    if (packed.data[0] == 0) return std::vector<uint8_t>(packed.data + 1, packed.data + packed.size);
    size_t position = 1, size = 0;
    try {
        size = read_leb128(packed, position);
    } catch (const Error&) {
        fail(Status::corrupt, "metadata is damaged (no size)");
    }
    if (size > limits_.metadata) {
        fail(Status::limit, "metadata of " + std::to_string(size) + " bytes exceeds the limit of " + std::to_string(limits_.metadata));
    }
    return inflate(packed.from(position), size);
}

Contents Container::contents() const {
    Contents found;
    if (header_.learned()) found.streams.resize(size_t(header_.streams));
    for (uint64_t index = 0; index < latents_.size(); ++index) {
        const Tile whole = tile(index);
        for (size_t i = 0; i < whole.streams.size(); ++i) found.streams[i] += whole.streams[i].size;
    }
    for (size_t i = 0; i < exact_.size(); ++i) {
        const ExactPart& part = exact_[i];
        found.exact += part.stream.size;
        found.exact_tiles += i == 0 || part.tile != exact_[i - 1].tile ? 1 : 0;
        found.alone += part.colours() && !part.on_top() ? 1 : 0;
        found.on_top += part.on_top() ? 1 : 0;
        found.alpha += part.alpha() ? 1 : 0;
    }
    return found;
}

void Container::verify() const {
    for (const auto* chunks : {&latents_, &exact_chunks_}) {
        for (const Chunk& chunk : *chunks) chunk.verify();
    }
    for (const Chunk& chunk : others_) chunk.verify();
    for (uint64_t index = 0; index < latents_.size(); ++index) tile(index);
    for (const Kind kind : {Kind::icc, Kind::exif, Kind::xmp}) metadata(kind);
    if (truncated_) fail(Status::truncated, "the file ends before its last chunk; it was cut off");
}

}  // namespace hpcm
