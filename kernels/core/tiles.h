// The entropy tiles of a picture: where they lie, and their decoded latents, a row of tiles at a time.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "container.h"
#include "executor.h"
#include "latents.h"
#include "lock.h"
#include "model.h"
#include "result_memory.h"
#include "strips.h"

namespace hpcm {

// All counts in latents unless they say otherwise. Borrows the program.
class TileGrid {
public:
    TileGrid(const Header& header, const Program& program);

    Grid latents() const;  // of the padded picture
    int64_t side() const { return side_; }
    int64_t columns() const { return columns_; }  // of tiles

    struct Tile : TileArea {
        uint64_t index;
        int64_t row, column;  // of its first latent in the picture
    };
    Tile tile(int64_t row, int64_t column) const;
    Tile largest() const { return tile(0, 0); }

private:
    const Program& program_;
    int64_t width_, height_, size_, side_, columns_;
};

// Decodes tiles and keeps those that are still needed.
class TileSource {
public:
    // columns: of latents, that will be asked for.
    TileSource(const Container& file, const Model& model, const Condition& condition, const TileGrid& grid, const Span& columns,
               int workers);

    // Memory of `workers` tiles at a time, and of the rows of tiles that wait.
    static double bytes(const Model& model, const TileGrid& grid, const Span& columns, int workers);

    // Fills a piece of the picture's latents. Pieces are asked for from the top.
    void read(const Piece& piece);

private:
    struct Decoded {
        TileGrid::Tile tile;
        HeldMemory latents;

        float* data() const { return static_cast<float*>(latents->data()); }
    };
    using Row = std::vector<Decoded>;

    Row& row(int64_t number);
    void decode(Decoded& decoded) const;
    const Executor& executor(const TileGrid::Tile& tile) const;

    const Container& file_;
    const Model& model_;
    const Condition& condition_;
    const TileGrid& grid_;
    int64_t first_, last_;  // columns of tiles
    int workers_;
    std::map<int64_t, Row> rows_;
    mutable Mutex mutex_;
    mutable std::map<std::vector<int64_t>, std::unique_ptr<Executor>> executors_;
};

}  // namespace hpcm
