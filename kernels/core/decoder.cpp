#include "decoder.h"

#include <algorithm>
#include <cstring>

#include "elementwise.h"
#include "fpenv.h"
#include "squares.h"
#include "status.h"
#include "thread_pool.h"
#include "tiles.h"

namespace hpcm {
namespace {

constexpr double kStripBytes = double(1 << 27), kLeastStripBytes = double(1 << 24);
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
        uint32_t highest = 0;
        const float* plane = piece.data + c * piece.plane;
        for (size_t i = 0; i < count; ++i) {
            uint32_t bits;
            std::memcpy(&bits, plane + i, 4);
            highest = std::max(highest, bits & 0x7fffffff);
        }
        if (highest >= 0x7f800000) return false;
    }
    return true;
}

// Planes of a piece to samples: to grey where one channel is wanted, clamped to 0..1, times 255, rounded half to even.
void to_samples(const Piece& piece, int channels, std::vector<float>& planes, std::vector<uint8_t>& samples) {
    if (!finite(piece)) fail(Status::corrupt, "the latent streams are damaged (values beyond all bounds)");
    const size_t count = size_t(piece.rows.size() * piece.columns.size());
    planes.resize(count * size_t(channels));
    samples.resize(count * size_t(channels));
    parallel_for(count, kGrain, [&](size_t begin, size_t end) {
        if (channels == 3) {
            for (int64_t c = 0; c < 3; ++c) std::copy(piece.data + c * piece.plane + begin, piece.data + c * piece.plane + end, planes.data() + size_t(c) * count + begin);
            return;
        }
        const float third = 1.0f / 3.0f, *red = piece.data, *green = red + piece.plane, *blue = green + piece.plane;
        for (size_t i = begin; i < end; ++i) planes[i] = ((red[i] + green[i]) + blue[i]) * third;
    });
    round_pixels(planes.data(), channels, count, samples.data());
}

}  // namespace

Decoding::Decoding(const Container& file, const Model& model, const Region& region, int scale)
    : file_(file), model_(model), region_(region), scale_(scale) {
    const Header& header = file.header();
    const int64_t width = header.width, height = header.height;
    if (region.width < 1 || region.height < 1 || region.x < 0 || region.y < 0 || region.x > width - region.width ||
        region.y > height - region.height) {
        fail(Status::usage, "the region does not lie in the picture of " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
    }
    if (scale != 1 && scale != 2 && scale != 4 && scale != 8) {
        fail(Status::usage, "a scale of 1/" + std::to_string(scale) + " is not possible: choose 1/2, 1/4 or 1/8");
    }
    if (header.streams != model.program().streams || (header.quality != 0.0f) != model.variable()) {
        fail(Status::corrupt, "the file's streams or quality do not belong to its model");
    }
}

void Decoding::run(uint64_t memory, const SampleRows& rows, const Progress& progress) const {
    const FpGuard guard;
    const Header& header = file_.header();
    const Program& program = model_.program();
    const TileGrid grid(header, program);
    const TileGrid::Tile largest = grid.largest();
    const uint64_t pixels = uint64_t(largest.grid.rows * program.stride) * uint64_t(largest.grid.columns * program.stride);
    if (pixels > file_.limits().tile_pixels()) {
        fail(Status::limit, "the file is coded in one piece of " + std::to_string(pixels) + " pixels, more than a sixteenth of --max-pixels");
    }
    const Entry* preview = scale_ == 1 ? nullptr : program.find("preview");
    const Entry& entry = preview != nullptr ? *preview : program.at("picture");
    const int source = entry.input("latent");
    if (source < 0) fail(Status::model_file, "the model's picture does not depend on its latents");
    const Span high{region_.y, region_.y + region_.height}, wide{region_.x, region_.x + region_.width};
    const Strips strips(entry, grid.latents(), source, high, wide);

    const int workers = std::min(get_threads(), kMostTiles);
    const double least = strips.bytes(kLeastRows) + TileSource::bytes(model_, grid, strips.source_columns(), 1);
    if (memory != 0 && least > double(memory)) {
        fail(Status::limit, "a picture of " + std::to_string(header.width) + " x " + std::to_string(header.height) +
                                " pixels takes about " + readable(least) + " of memory, more than the limit of " +
                                readable(double(memory)) + "; see --max-memory");
    }
    int count = workers;
    while (memory != 0 && count > 1 &&
           strips.bytes(kLeastRows) + TileSource::bytes(model_, grid, strips.source_columns(), count) > double(memory)) {
        --count;
    }
    double strip = kStripBytes;
    if (memory != 0) strip = std::min(strip, double(memory) - TileSource::bytes(model_, grid, strips.source_columns(), count));
    const int64_t step = std::max(kLeastRows, strips.rows_within(std::max(strip, kLeastStripBytes), kLeastRows));

    const Condition condition = model_.condition(header.quality);
    TileSource tiles(file_, model_, condition, grid, strips.source_columns(), count);
    Squares squares(region_.width, region_.height, header.channels, scale_, rows);
    std::vector<float> planes;
    std::vector<uint8_t> samples;
    const auto write = [&](const Piece& piece) {
        to_samples(piece, header.channels, planes, samples);
        const int64_t y = piece.rows.start - region_.y;
        squares.take(y, piece.rows.size(), samples.data());
    };
    strips.run(inputs_of(entry, condition), step, [&](const Piece& piece) { tiles.read(piece); }, write, {}, progress);
}

}  // namespace hpcm
