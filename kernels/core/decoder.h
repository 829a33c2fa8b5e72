// From a file to samples: tiles of latents, then the picture in strips (FORMAT.md section 6).
#pragma once

#include "container.h"
#include "model.h"
#include "squares.h"
#include "strips.h"

namespace hpcm {

// Takes rows of pixels from the top: `count` rows from row y on, samples interleaved, of 8 or 16 bits, without gaps.
using PixelRows = std::function<void(int64_t y, int64_t count, const void* samples)>;

class Decoding {
public:
    // Borrows both. `model`: null where the file needs none. `bits` of the samples that are handed out: 8, or 16 for the file's own
    // depth in 16. Throws Error for a file that does not belong to the model, a region outside, or a scale that there is none of
    // (1, 2, 4, 8). Takes no memory yet.
    Decoding(const Container& file, const Model* model, const Region& region, int scale, int bits = 8);

    int64_t width() const { return (region_.width + scale_ - 1) / scale_; }
    int64_t height() const { return (region_.height + scale_ - 1) / scale_; }
    int samples() const { return file_.header().samples(); }  // of a pixel

    // The pixels of the rectangle. memory: bytes that there may be in use, 0 for no limit, of which `reserved` are for what is not
    // taken here. Throws Error.
    void run(uint64_t memory, uint64_t reserved, const PixelRows& rows, const Progress& progress = {}) const;

private:
    template <typename T>
    void learned(const Region& region, uint64_t memory, double reserved, const SampleRows<T>& rows, const Progress& progress) const;
    SampleRows<uint16_t> converted(const PixelRows& rows) const;
    [[noreturn]] void refuse(double least, uint64_t memory) const;

    const Container& file_;
    const Model* model_;
    Region region_;
    int scale_, bits_;
};

}  // namespace hpcm
