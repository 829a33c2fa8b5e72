#include "decoder.h"

#include <algorithm>
#include <cstring>

#include "elementwise.h"
#include "exact_tiles.h"
#include "finite.h"
#include "fpenv.h"
#include "squares.h"
#include "status.h"
#include "thread_pool.h"
#include "tiles.h"

namespace hpcm {
namespace {

constexpr double kStripBytes = double(1 << 24);  // more costs pages that the system clears, and caches
constexpr int64_t kLeastRows = 64;
constexpr int kMostTiles = 8;
constexpr size_t kGrain = 1 << 15;

std::string readable(double bytes) {
    const bool giga = bytes >= 1e9;
    const int64_t tenths = int64_t(bytes / (giga ? 1e8 : 1e6) + 0.5);
    return giga ? std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB" : std::to_string(tenths) + " MB";
}

bool finite(const Piece& piece) {
    const size_t count = size_t(piece.rows.size() * piece.columns.size());
    for (int64_t c = 0; c < piece.channels; ++c) {
        if (!hpcm::finite(piece.data + c * piece.plane, count)) return false;
    }
    return true;
}

// Planes of a piece to samples: to grey where one channel is wanted, clamped to 0..1, times `top`, rounded half to even.
template <typename T>
void to_samples(const Piece& piece, int channels, float top, std::vector<float>& grey, std::vector<T>& samples) {
    if (!finite(piece)) fail(Status::corrupt, "the latent streams are damaged (values beyond all bounds)");
    const size_t count = size_t(piece.rows.size() * piece.columns.size());
    samples.resize(count * size_t(channels));
    if (channels == 3) return round_pixels(piece.data, piece.plane, 3, count, top, samples.data());
    grey.resize(count);
    parallel_for(count, kGrain, [&](size_t begin, size_t end) {
        const float third = 1.0f / 3.0f, *red = piece.data, *green = red + piece.plane, *blue = green + piece.plane;
        for (size_t i = begin; i < end; ++i) grey[i] = ((red[i] + green[i]) + blue[i]) * third;
    });
    round_pixels(grey.data(), ptrdiff_t(count), 1, count, top, samples.data());
}

// The tiles and strips of a learned picture, or of a rectangle of it.
struct LearnedParts {
    TileGrid grid;
    const Entry& entry;
    Strips strips;

    LearnedParts(const Container& file, const Program& program, const Region& region, int scale)
        : grid(file.header(), program), entry(entry_of(program, scale)),
          strips(entry, grid.latents(), entry.input("latent"), {region.y, region.y + region.height}, {region.x, region.x + region.width}) {
        const TileGrid::Tile largest = grid.largest();
        const uint64_t pixels = uint64_t(largest.grid.rows * program.stride) * uint64_t(largest.grid.columns * program.stride);
        if (pixels > file.limits().tile_pixels()) {
            fail(Status::limit, "the file is coded in one piece of " + std::to_string(pixels) + " pixels, more than a sixteenth of --max-pixels");
        }
    }
    double bytes(const Model& model, int tiles) const {
        return strips.bytes(kLeastRows) + TileSource::bytes(model, grid, strips.source_columns(), tiles);
    }

private:
    static const Entry& entry_of(const Program& program, int scale) {
        const Entry* preview = scale == 1 ? nullptr : program.find("preview");
        return preview != nullptr ? *preview : program.at("picture");
    }
};

}  // namespace

Decoding::Decoding(const Container& file, const Model* model, const Region& region, int scale, int bits)
    : file_(file), model_(file.header().learned() ? model : nullptr), region_(region), scale_(scale), bits_(bits) {
    const Header& header = file.header();
    const int64_t width = header.width, height = header.height;
    if (region.width < 1 || region.height < 1 || region.x < 0 || region.y < 0 || region.x > width - region.width ||
        region.y > height - region.height) {
        const std::string numbers = std::to_string(region.x) + "," + std::to_string(region.y) + "," + std::to_string(region.width) +
                                    "," + std::to_string(region.height);
        fail(Status::usage, "the region " + numbers + " does not lie in the picture of " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
    }
    if (scale != 1 && scale != 2 && scale != 4 && scale != 8) {
        fail(Status::usage, "a scale of 1/" + std::to_string(scale) + " is not possible: choose 1/2, 1/4 or 1/8");
    }
    if (bits != 8 && bits != 16) fail(Status::usage, "samples of " + std::to_string(bits) + " bits are not possible: choose 8 or 16");
    if (file.truncated() && file.exact().empty() && file.tile(0).streams.empty()) {
        fail(Status::truncated, "the file ends before anything of its picture; it was cut off");
    }
    if (!header.learned()) return;
    if (model == nullptr) fail(Status::missing_model, "the file needs its model");
    if (header.streams != model->program().streams || (header.quality != 0.0f) != model->variable()) {
        fail(Status::corrupt, "the file's streams or quality do not belong to its model");
    }
}

void Decoding::refuse(double least, uint64_t memory) const {
    fail(Status::limit, "a picture of " + std::to_string(file_.header().width) + " x " + std::to_string(file_.header().height) +
                            " pixels takes about " + readable(least) + " of memory, more than the limit of " +
                            readable(double(memory)) + "; see --max-memory");
}

void Decoding::run(uint64_t memory, uint64_t reserved, const PixelRows& rows, const Progress& progress) const {
    const FpGuard guard;
    const Header& header = file_.header();
    if (model_ != nullptr && file_.exact().empty() && !file_.payload(Kind::flat) && !header.alpha && header.bit_depth == 8 && bits_ == 8) {
        Squares<uint8_t> squares(region_.width, region_.height, header.channels, scale_, rows);
        const SampleRows<uint8_t> take = [&](int64_t y, int64_t count, const uint8_t* samples) { squares.take(y, count, samples); };
        return learned(region_, memory, double(reserved), take, progress);
    }
    Squares<uint16_t> squares(region_.width, region_.height, header.samples(), scale_, converted(rows));
    ExactTiles tiles(file_, region_, scale_ == 1);  // a small picture does without what lies on top
    const double least = double(reserved) + (model_ == nullptr ? 0 : LearnedParts(file_, model_->program(), tiles.below(), scale_).bytes(*model_, 1));
    int workers = tiles.most_workers();
    while (memory != 0 && workers > 1 && least + tiles.bytes(workers) > double(memory)) --workers;
    if (memory != 0 && least + tiles.bytes(workers) > double(memory)) refuse(least + tiles.bytes(workers), memory);
    tiles.start(workers, [&](int64_t y, int64_t count, const uint16_t* samples) { squares.take(y, count, samples); });
    if (model_ == nullptr) return tiles.run(progress);
    const SampleRows<uint16_t> take = [&](int64_t y, int64_t count, const uint16_t* samples) { tiles.take(y, count, samples); };
    learned(tiles.below(), memory, double(reserved) + tiles.bytes(workers), take, progress);
}

// Samples of the file's depth to what is handed out: as they are, or in 8 bits.
SampleRows<uint16_t> Decoding::converted(const PixelRows& rows) const {
    if (bits_ == 16) return rows;
    const size_t line = size_t(width()) * size_t(samples());
    const uint32_t last = (1u << file_.header().bit_depth) - 1;
    return [rows, line, last, row = std::vector<uint8_t>(line)](int64_t y, int64_t count, const uint16_t* from) mutable {
        for (int64_t i = 0; i < count; ++i, from += line) {
            for (size_t k = 0; k < line; ++k) row[k] = uint8_t((uint32_t(from[k]) * 255 + last / 2) / last);
            rows(y + i, 1, row.data());
        }
    };
}

template <typename T>
void Decoding::learned(const Region& region, uint64_t memory, double reserved, const SampleRows<T>& rows, const Progress& progress) const {
    const Header& header = file_.header();
    const LearnedParts parts(file_, model_->program(), region, scale_);
    const auto taken = [&](int tiles) { return reserved + parts.bytes(*model_, tiles); };
    if (memory != 0 && taken(1) > double(memory)) refuse(taken(1), memory);
    int count = std::min(get_threads(), kMostTiles);
    while (memory != 0 && count > 1 && taken(count) > double(memory)) --count;
    double strip = kStripBytes;
    if (memory != 0) strip = std::min(strip, double(memory) - (taken(count) - parts.strips.bytes(kLeastRows)));
    const int64_t step = std::max(kLeastRows, parts.strips.rows_within(strip, kLeastRows));

    const Condition condition = model_->condition(header.quality);
    TileSource tiles(file_, *model_, condition, parts.grid, parts.strips.source_columns(), count);
    std::vector<float> grey;
    std::vector<T> samples;
    const float top = float((1 << header.bit_depth) - 1);
    const auto write = [&](const Piece& piece) {
        to_samples(piece, header.channels, top, grey, samples);
        rows(piece.rows.start - region.y, piece.rows.size(), samples.data());
    };
    parts.strips.run(inputs_of(parts.entry, condition), step, [&](const Piece& piece) { tiles.read(piece); }, write, {}, progress);
}

}  // namespace hpcm
