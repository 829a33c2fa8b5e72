// From a file to samples: tiles of latents, then the picture in strips (FORMAT.md section 6).
#pragma once

#include "container.h"
#include "model.h"
#include "squares.h"
#include "strips.h"

namespace hpcm {

class Decoding {
public:
    // Borrows both. Throws Error for a file that does not belong to the model, a region outside, or a scale that there is none of
    // (1, 2, 4, 8). Takes no memory yet.
    Decoding(const Container& file, const Model& model, const Region& region, int scale);

    int64_t width() const { return (region_.width + scale_ - 1) / scale_; }
    int64_t height() const { return (region_.height + scale_ - 1) / scale_; }

    // Colour samples (grey or RGB) of the rectangle. memory: bytes that this may take, 0 for no limit. Throws Error.
    void run(uint64_t memory, const SampleRows& rows, const Progress& progress = {}) const;

private:
    const Container& file_;
    const Model& model_;
    Region region_;
    int scale_;
};

}  // namespace hpcm
