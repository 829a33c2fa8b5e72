// From the latents of tiles to their streams: the traversal of the decoder with another coder.
#pragma once

#include <atomic>
#include <vector>

#include "executor.h"
#include "latents.h"
#include "model.h"
#include "quantiser.h"

namespace hpcm {

// What is given of a tile. Everything is borrowed.
struct GivenTile {
    TileArea area;
    const float* latents;          // y of the analysis transform
    const float* hyper = nullptr;  // z; null: what the entry hyper_analysis makes of y
};

// What becomes of it.
struct CodedTile {
    std::vector<std::vector<uint8_t>> streams;  // hyper-latents first
    uint32_t check = 0;                         // of what decoders have
    std::vector<float> latents;                 // the same, if it is to be kept
    std::vector<KeptStep> steps;                // likewise, in the order of coding
};

class TileEncoder {
public:
    // Borrows both; of the program it runs the entries hyper_analysis and latents. Throws ModelCorrupt.
    TileEncoder(const Program& program, const Tables& tables, const Choice& choice);

    // Memory that a tile takes while it is coded, given latents apart.
    double bytes(const TileArea& area) const;

    // Tiles, `workers` at a time. `condition`: outputs of the entry of that name. progress is told the share of a tile, by several
    // threads, and may stop everything. Throws Error: model_file where the weights lead to what is no number; and
    // std::invalid_argument for a condition that does not fit.
    std::vector<CodedTile> encode(const std::vector<GivenTile>& tiles, const Condition& condition, int workers, Keep keep,
                                  const Progress& progress = {}) const;

    // Of making streams of symbols, all calls and threads together.
    double coding_seconds() const { return 1e-9 * static_cast<double>(coding_nanoseconds_.load()); }

private:
    struct Executors;
    CodedTile encode(const GivenTile& tile, const Executors& executors, const Condition& condition, Keep keep, const Progress& progress) const;
    std::vector<float> hyper_of(const GivenTile& tile, const Executors& executors, const Condition& condition) const;
    void check(const Condition& condition) const;

    const Program& program_;
    const Tables tables_;
    const Choice choice_;
    mutable std::atomic<int64_t> coding_nanoseconds_{0};
};

}  // namespace hpcm
