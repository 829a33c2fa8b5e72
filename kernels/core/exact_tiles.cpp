#include "exact_tiles.h"

#include <algorithm>

#include "crc32.h"
#include "exact.h"
#include "rans.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr double kModelBytes = double(40 << 20);  // of the coder's tables
constexpr int kMostWorkers = 16;
constexpr int64_t kBandRows = 256;  // where there are no tiles

// As the file's check value has it: rows, pixels, channels; samples beyond 8 bits little-endian.
uint32_t check_of(const std::vector<uint16_t>& samples, int depth) {
    uint32_t crc = 0;
    std::vector<uint8_t> bytes;
    for (size_t first = 0; first < samples.size(); first += 1 << 15) {
        const size_t last = std::min(samples.size(), first + (1 << 15));
        bytes.clear();
        for (size_t i = first; i < last; ++i) {
            bytes.push_back(uint8_t(samples[i]));
            if (depth > 8) bytes.push_back(uint8_t(samples[i] >> 8));
        }
        crc = crc32(bytes.data(), bytes.size(), crc);
    }
    return crc;
}

}  // namespace

ExactTiles::ExactTiles(const Container& file, const Region& wanted, bool on_top)
    : file_(file), wanted_(wanted), below_(wanted), on_top_(on_top), colours_(file.header().channels),
      last_((1 << file.header().bit_depth) - 1) {
    const Header& header = file.header();
    const int64_t side = header.exact_tile_size;
    tile_width_ = side == 0 ? header.width : std::min<int64_t>(side, header.width);
    tile_height_ = side == 0 ? header.height : std::min<int64_t>(side, header.height);
    columns_ = (header.width + tile_width_ - 1) / tile_width_;
    if (const auto payload = file.payload(Kind::flat)) flats_ = Flats(*payload, header);
    if (file.exact().empty() && side == 0) tile_height_ = std::min<int64_t>(kBandRows, header.height);
    if (!file.exact().empty() && uint64_t(tile_width_) * uint64_t(tile_height_) > file.limits().tile_pixels()) {
        fail(Status::limit, "an exact tile has " + std::to_string(tile_width_ * tile_height_) + " pixels, more than a sixteenth of --max-pixels");
    }
    const bool aligned = std::any_of(file.exact().begin(), file.exact().end(), [&](const ExactPart& part) {
        if (!on_top || !part.on_top()) return false;
        const Region r = tile(part.tile);
        return r.x < wanted.x + wanted.width && wanted.x < r.x + r.width && r.y < wanted.y + wanted.height && wanted.y < r.y + r.height;
    });
    if (!aligned) return;
    const Region first = tile(uint64_t(wanted.y / tile_height_ * columns_ + wanted.x / tile_width_));
    const Region last = tile(uint64_t((wanted.y + wanted.height - 1) / tile_height_ * columns_ + (wanted.x + wanted.width - 1) / tile_width_));
    below_ = {first.x, first.y, last.x + last.width - first.x, last.y + last.height - first.y};
}

Region ExactTiles::tile(uint64_t index) const {
    const Header& header = file_.header();
    const int64_t y = int64_t(index) / columns_ * tile_height_, x = int64_t(index) % columns_ * tile_width_;
    return {x, y, std::min<int64_t>(tile_width_, header.width - x), std::min<int64_t>(tile_height_, header.height - y)};
}

int ExactTiles::most_workers() const {
    const int64_t first = below_.x / tile_width_, last = (below_.x + below_.width - 1) / tile_width_;
    return int(std::min<int64_t>({kMostWorkers, get_threads(), 2 * (last - first + 1)}));
}

double ExactTiles::bytes(int workers) const {
    const double samples = colours_ + 1, rows = double(std::min(tile_height_, below_.height)) * double(below_.width);
    const double tile = double(tile_width_) * double(tile_height_) * samples;
    return 4 * samples * rows + (file_.exact().empty() ? 0 : workers * (8 * tile + kModelBytes));
}

void ExactTiles::start(int workers, SampleRows<uint16_t> rows) {
    workers_ = workers;
    rows_ = std::move(rows);
    top_ = below_.y;
    begin_band();
}

void ExactTiles::begin_band() {
    bottom_ = std::min(below_.y + below_.height, (top_ / tile_height_ + 1) * tile_height_);
    const size_t pixels = size_t((bottom_ - top_) * below_.width);
    band_.assign(pixels * size_t(colours_), 0);
    if (file_.header().alpha) alpha_.assign(pixels, uint16_t(last_));
}

void ExactTiles::take(int64_t y, int64_t count, const uint16_t* colours) {
    const size_t line = size_t(below_.width * colours_);
    for (int64_t row = below_.y + y, end = row + count; row < end;) {
        const int64_t next = std::min(end, bottom_);
        std::copy_n(colours, size_t(next - row) * line, band_.begin() + ptrdiff_t(size_t(row - top_) * line));
        colours += size_t(next - row) * line;
        row = next;
        if (row == bottom_) finish_band();
    }
}

void ExactTiles::run(const std::function<bool(double)>& progress) {
    while (top_ < below_.y + below_.height) {
        finish_band();
        if (progress && !progress(double(top_ - below_.y) / double(below_.height))) throw Cancelled();
    }
}

size_t ExactTiles::first_part(uint64_t index) const {
    const auto& parts = file_.exact();
    const auto found = std::lower_bound(parts.begin(), parts.end(), index, [](const ExactPart& part, uint64_t i) { return part.tile < i; });
    return size_t(found - parts.begin());
}

void ExactTiles::finish_band() {
    const uint64_t row = uint64_t(top_ / tile_height_ * columns_);
    const uint64_t first = row + uint64_t(below_.x / tile_width_), last = row + uint64_t((below_.x + below_.width - 1) / tile_width_);
    std::vector<size_t> parts;
    for (size_t i = first_part(first), end = first_part(last + 1); i < end; ++i) {
        if (on_top_ || !file_.exact()[i].on_top()) parts.push_back(i);
    }
    for (size_t start = 0; start < parts.size(); start += size_t(workers_)) {
        const size_t count = std::min(parts.size() - start, size_t(workers_));
        parallel_for(count, 1, [&](size_t begin, size_t end) {
            for (size_t i = begin; i < end; ++i) decode(parts[start + i]);
        });
    }
    lay_flats();
    hand_on();
    top_ = bottom_;
    if (top_ < below_.y + below_.height) begin_band();
}

void ExactTiles::decode(size_t number) {
    const ExactPart& part = file_.exact()[number];
    file_.verify_exact(number);
    const Region at = tile(part.tile);
    const int depth = file_.header().bit_depth, channels = (part.colours() ? colours_ : 0) + (part.alpha() ? 1 : 0);
    const exact::Shape shape{size_t(at.width), size_t(at.height), channels, depth};
    std::vector<uint16_t> samples(shape.width * shape.height * size_t(channels));
    exact::View<const uint16_t> shown;
    if (part.on_top()) {
        shown.stride = size_t(below_.width * colours_);
        shown.data = band_.data() + size_t(at.x - below_.x) * size_t(colours_);
    }
    try {
        exact::decode<uint16_t>(part.stream.data, part.stream.size, shape, shown, {samples.data(), shape.width * size_t(channels)});
    } catch (const StreamCorrupt& error) {
        fail(Status::corrupt, error.what());
    } catch (const StreamNewer& error) {
        fail(Status::unsupported, error.what());
    }
    if (check_of(samples, depth) != part.check) fail(Status::corrupt, "an exact tile decodes to other pixels than were encoded");
    lay(part, at, samples);
}

// Writes a part's samples over what of them is in the band.
void ExactTiles::lay(const ExactPart& part, const Region& at, const std::vector<uint16_t>& samples) {
    const int colours = part.colours() ? colours_ : 0, channels = colours + (part.alpha() ? 1 : 0);
    const int64_t left = std::max(at.x, below_.x), right = std::min(at.x + at.width, below_.x + below_.width);
    for (int64_t y = std::max(at.y, top_), end = std::min(at.y + at.height, bottom_); y < end; ++y) {
        const uint16_t* from = samples.data() + ((y - at.y) * at.width + left - at.x) * channels;
        const size_t place = size_t((y - top_) * below_.width + left - below_.x);
        for (size_t i = 0; i < size_t(right - left); ++i, from += channels) {
            if (colours != 0) std::copy_n(from, colours, band_.begin() + ptrdiff_t((place + i) * size_t(colours_)));
            if (part.alpha()) alpha_[place + i] = from[colours];
        }
    }
}

// Flat blocks show where no exact tile does.
void ExactTiles::lay_flats() {
    if (flats_.empty()) return;
    const int64_t first = below_.x / tile_width_, last = (below_.x + below_.width - 1) / tile_width_;
    const uint64_t row = uint64_t(top_ / tile_height_ * columns_);
    std::vector<bool> covered(size_t(last - first + 1));
    if (!file_.exact().empty()) {
        for (size_t i = first_part(row + uint64_t(first)), end = first_part(row + uint64_t(last) + 1); i < end; ++i) {
            if (file_.exact()[i].colours()) covered[size_t(file_.exact()[i].tile - row) - size_t(first)] = true;
        }
    }
    for (int64_t y = top_; y < bottom_; ++y) {
        uint16_t* to = band_.data() + size_t((y - top_) * below_.width * colours_);
        for (int64_t x = below_.x; x < below_.x + below_.width; ++x, to += colours_) {
            const uint16_t* value = flats_.at(y, x);
            if (value != nullptr && !covered[size_t(x / tile_width_ - first)]) std::copy_n(value, colours_, to);
        }
    }
}

void ExactTiles::hand_on() {
    const int64_t high = std::max(top_, wanted_.y), low = std::min(bottom_, wanted_.y + wanted_.height);
    const bool alpha = file_.header().alpha;
    const size_t samples = size_t(colours_ + (alpha ? 1 : 0)), width = size_t(wanted_.width);
    joined_.resize(width * samples);
    for (int64_t y = high; y < low; ++y) {
        const size_t place = size_t((y - top_) * below_.width + wanted_.x - below_.x);
        if (!alpha) {
            rows_(y - wanted_.y, 1, band_.data() + place * samples);
            continue;
        }
        for (size_t i = 0; i < width; ++i) {
            std::copy_n(band_.begin() + ptrdiff_t((place + i) * size_t(colours_)), colours_, joined_.begin() + ptrdiff_t(i * samples));
            joined_[i * samples + samples - 1] = alpha_[place + i];
        }
        rows_(y - wanted_.y, 1, joined_.data());
    }
}

}  // namespace hpcm
