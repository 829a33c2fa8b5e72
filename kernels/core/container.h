// The hpc container (FORMAT.md sections 2 to 4): signature, header, chunks. Payloads stay views of the input.
#pragma once

#include <optional>
#include <vector>

#include "bytes.h"
#include "header.h"

namespace hpcm {

// What a reader is willing to handle.
struct Limits {
    uint64_t pixels = uint64_t(1) << 28;
    uint64_t metadata = uint64_t(1) << 24;  // bytes of one unpacked piece
    uint64_t memory = 0;                    // bytes; 0 for all of the machine's

    uint64_t tile_pixels() const { return pixels / 16 > (1u << 22) ? pixels / 16 : 1u << 22; }
};

enum class Kind : uint8_t { icc = 0x01, tile_index = 0x02, latent = 0x83, exact = 0x84, exif = 0x05, xmp = 0x06, flat = 0x87 };

struct Chunk {
    uint8_t kind = 0;
    Bytes head;       // type and length as they stand in the file
    Bytes payload;    // shorter than it should be where the file ends inside
    uint32_t seed = 0;  // the running checksum before it
    uint32_t crc = 0;
    bool cut = false;  // the file ends inside of it

    void verify() const;  // fails with `corrupt`
};

struct Tile {
    std::vector<Bytes> streams;  // hyper-latents first; of a tile that the file ends in, the whole ones
    uint32_t check = 0;          // of its latents
    bool complete = true;
};

// What an EXACT chunk holds of its tile.
struct ExactPart {
    static constexpr uint8_t kColours = 1, kAlpha = 2, kOnTop = 4;
    uint64_t tile = 0;
    uint8_t what = 0;    // kColours, kAlpha or both, side by side; kColours with kOnTop: given the learned picture
    uint32_t check = 0;  // of its samples
    Bytes stream;

    bool on_top() const { return (what & kOnTop) != 0; }
    bool colours() const { return (what & kColours) != 0; }
    bool alpha() const { return (what & kAlpha) != 0; }
};

// What a file's parts take together, however many there are.
struct Contents {
    std::vector<uint64_t> streams;  // bytes, of all tiles: hyper-latents first
    uint64_t exact = 0;             // bytes of the exact parts' streams
    uint64_t exact_tiles = 0;       // of which there is a part
    uint64_t alone = 0, on_top = 0, alpha = 0;  // parts of these kinds; one of colours and alpha counts as both
};

class Container {
public:
    // Keeps `data`, which must stay as it is. `allow_truncated`: accepts a file whose end is missing.
    Container(Bytes data, const Limits& limits, bool allow_truncated);

    const Header& header() const { return header_; }
    const Limits& limits() const { return limits_; }
    bool truncated() const { return truncated_; }
    // Tiles of which at least the beginning is there.
    uint64_t tiles_present() const { return latents_.size(); }
    // In raster order, its checksum compared; of one that is absent, an incomplete one without streams.
    Tile tile(uint64_t index) const;
    // All exact parts that are whole, by tile, colours first; their checksums are not compared.
    const std::vector<ExactPart>& exact() const { return exact_; }
    // Compares the checksum of one of them.
    void verify_exact(size_t index) const { exact_chunks_[index].verify(); }
    // The payload of an optional chunk, its checksum compared; nothing where it is absent or cut off.
    std::optional<Bytes> payload(Kind kind) const;
    // ICC, EXIF or XMP, unpacked. Fails with `corrupt` also for EXIF that says that the picture is not upright.
    std::optional<std::vector<uint8_t>> metadata(Kind kind) const;
    // Counts what is whole; compares the checksums of learned tiles.
    Contents contents() const;
    // Fails unless everything that needs no model is sound and there.
    void verify() const;

private:
    void read_chunks(Bytes data, size_t position, uint32_t crc, bool allow_truncated);
    void add(const Chunk& chunk, uint8_t& order);
    void add_exact(const Chunk& chunk);
    void check_complete() const;
    void check_exact() const;
    void check_index(Bytes index) const;
    std::vector<uint8_t> unpack(Bytes packed) const;

    Header header_;
    Limits limits_;
    std::vector<Chunk> latents_, exact_chunks_, others_;
    size_t unknown_ = 0;  // chunks
    std::vector<ExactPart> exact_;
    bool truncated_ = false;
};

}  // namespace hpcm
