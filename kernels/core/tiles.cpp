#include "tiles.h"

#include <algorithm>

#include "finite.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr size_t kGrain = 1 << 16;

// 1 where latents are coded, 0 in the padding.
std::vector<float> layout_of(const TileArea& tile, int64_t channels) {
    const size_t plane = size_t(tile.grid.rows * tile.grid.columns);
    std::vector<float> layout(size_t(channels) * plane, 0.0f);
    for (int64_t i = 0; i < tile.own_rows; ++i) {
        std::fill_n(layout.begin() + i * tile.grid.columns, tile.own_columns, 1.0f);
    }
    for (int64_t c = 1; c < channels; ++c) std::copy_n(layout.begin(), plane, layout.begin() + ptrdiff_t(size_t(c) * plane));
    return layout;
}

}  // namespace

TileGrid::TileGrid(const Header& header, const Program& program)
    : program_(program), width_(header.width), height_(header.height), size_(header.tile_size) {
    const int64_t unit = program.unit;
    if (size_ % unit != 0) fail(Status::corrupt, "the file's tiles of " + std::to_string(size_) + " pixels do not suit its model");
    if (size_ == 0) size_ = ceil_div(std::max(width_, height_), unit) * unit;
    side_ = size_ / program.stride;
    columns_ = ceil_div(width_, size_);
}

Grid TileGrid::latents() const { return TileArea(program_, height_, width_).grid; }

TileGrid::Tile TileGrid::tile(int64_t row, int64_t column) const {
    const TileArea area(program_, std::min(size_, height_ - row * size_), std::min(size_, width_ - column * size_));
    return {area, uint64_t(row * columns_ + column), row * side_, column * side_};
}

TileSource::TileSource(const Container& file, const Model& model, const Condition& condition, const TileGrid& grid,
                       const Span& columns, int workers)
    : file_(file), model_(model), condition_(condition), grid_(grid), first_(columns.start / grid.side()),
      last_((columns.stop + grid.side() - 1) / grid.side()), workers_(workers) {}

double TileSource::bytes(const Model& model, const TileGrid& grid, const Span& columns, int workers) {
    const TileGrid::Tile largest = grid.largest();
    const Executor executor(model.program().at("latents"), largest.grid, largest.padded());
    const double tile = 4.0 * double(model.program().latent_channels) * double(largest.grid.rows * largest.grid.columns);
    const int64_t first = columns.start / grid.side(), last = (columns.stop + grid.side() - 1) / grid.side();
    return workers * (executor.bytes() + 2.0 * tile) + 2.0 * double(last - first) * tile;
}

void TileSource::read(const Piece& piece) {
    const int64_t side = grid_.side();
    rows_.erase(rows_.begin(), rows_.lower_bound(piece.rows.start / side));
    for (int64_t number = piece.rows.start / side; number * side < piece.rows.stop; ++number) {
        for (const Decoded& decoded : row(number)) {
            const TileGrid::Tile& tile = decoded.tile;
            const int64_t top = std::max(piece.rows.start, tile.row), bottom = std::min(piece.rows.stop, tile.row + tile.grid.rows);
            const int64_t left = std::max(piece.columns.start, tile.column);
            const int64_t right = std::min(piece.columns.stop, tile.column + tile.grid.columns);
            if (top >= bottom || left >= right) continue;
            const int64_t rows = bottom - top;
            parallel_for(size_t(piece.channels * rows), std::max<size_t>(1, kGrain / size_t(right - left)), [&](size_t begin, size_t end) {
                for (size_t task = begin; task < end; ++task) {
                    const int64_t c = int64_t(task) / rows, i = top + int64_t(task) % rows;
                    const float* from = decoded.data() +
                                        ((c * tile.grid.rows + i - tile.row) * tile.grid.columns + left - tile.column);
                    float* to = piece.data + c * piece.plane + (i - piece.rows.start) * piece.columns.size() + left - piece.columns.start;
                    std::copy_n(from, right - left, to);
                }
            });
        }
    }
}

TileSource::Row& TileSource::row(int64_t number) {
    Row& row = rows_[number];
    if (!row.empty()) return row;
    for (int64_t column = first_; column < last_; ++column) row.push_back({grid_.tile(number, column), {}});
    for (size_t start = 0; start < row.size(); start += size_t(workers_)) {
        const size_t count = std::min(row.size() - start, size_t(workers_));
        parallel_for(count, 1, [&](size_t begin, size_t end) {
            for (size_t i = begin; i < end; ++i) decode(row[start + i]);
        });
    }
    return row;
}

const Executor& TileSource::executor(const TileGrid::Tile& tile) const {
    const std::lock_guard<Mutex> lock(mutex_);
    auto& made = executors_[{tile.grid.rows, tile.grid.columns, tile.padded()}];
    if (!made) made = std::make_unique<Executor>(model_.program().at("latents"), tile.grid, tile.padded());
    return *made;
}

// Of a file that was cut off, what its whole streams say; the check value is of no use then.
void TileSource::decode(Decoded& decoded) const {
    const TileGrid::Tile& tile = decoded.tile;
    const Tile content = file_.tile(tile.index);
    std::vector<StreamCoder::Stream> streams(size_t(file_.header().streams));
    for (size_t i = 0; i < content.streams.size(); ++i) {
        static const uint8_t nothing = 0;
        const Bytes bytes = content.streams[i];
        streams[i] = {bytes.data != nullptr ? bytes.data : &nothing, bytes.size};
    }
    StreamCoder coder(model_.tables(), streams);
    const Entry& entry = model_.program().at("latents");
    const Executor& executor = this->executor(tile);
    std::vector<const float*> inputs = inputs_of(entry, condition_);
    std::vector<float> hyper, layout;
    const int hyper_input = entry.input("hyper"), layout_input = entry.input("layout");
    if (hyper_input >= 0) {
        const Shape shape = entry.inputs[size_t(hyper_input)].shape(tile.grid);
        hyper = coder.hyper(condition_.at("z_scale").data(), shape, tile.hyper_own_rows, tile.hyper_own_columns);
        inputs[size_t(hyper_input)] = hyper.data();
    }
    if (layout_input >= 0 && executor.needs(size_t(layout_input))) {  // for codes in a padded tile, or as a map like others
        layout = layout_of(tile, model_.program().latent_channels);
        inputs[size_t(layout_input)] = layout.data();
    }
    const size_t count = tile.count(model_.program().latent_channels);
    decoded.latents.reset(ResultMemory::take(count * sizeof(float)));
    executor.run(inputs, {decoded.data()}, &coder);
    coder.finish();
    if (!finite(decoded.data(), count)) {
        fail(Status::corrupt, "the latent streams are damaged (values beyond all bounds)");
    }
    if (content.complete && check_of(decoded.data(), count) != content.check) {
        fail(Status::arithmetic, "the decoded latents differ from the encoder's: run `hpcm doctor` to test this installation");
    }
}

}  // namespace hpcm
