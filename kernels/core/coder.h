// Where the symbols of a latent come from: the only thing that differs between decoding, encoding and trying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "operation.h"
#include "rans.h"
#include "trellis.h"

namespace hpcm {

// One `code` node: all arrays have `shape` and are dense.
struct CodeStep {
    int stream;
    Shape shape;
    const float *mean, *scale;
    const float* delta;   // null: 1
    const float* layout;  // null: everything is coded
    float* values;        // to be filled, in units of delta

    size_t count() const { return static_cast<size_t>(shape.count()); }
};

class Coder {
public:
    virtual ~Coder() = default;

    // The step's values; the executor makes value * delta + mean of them. Never called for steps without elements.
    virtual void code(const CodeStep& step) = 0;
};

// What a model's streams are decoded with. Everything is borrowed.
struct Tables {
    const TableSet& set;
    const float* y_thresholds;
    int y_count;
    const float* z_thresholds;
    int z_count;
    const Trellis* trellis;  // null: symbols are values
};

// Decodes the streams of one tile.
class StreamCoder final : public Coder {
public:
    struct Stream {
        const uint8_t* data = nullptr;  // null: it is not there, and all its symbols are taken as 0
        size_t size = 0;
    };

    StreamCoder(const Tables& tables, const std::vector<Stream>& streams);

    // Stream 0 as the hyper-latent of this shape, by the scale of every channel; of it the top left own_rows x own_columns are
    // coded, the rest is 0. Checks the end of the stream: a bad file may claim to be of any size, and all that follows takes
    // memory for it. Throws Error.
    std::vector<float> hyper(const float* z_scale, const Shape& shape, int64_t own_rows, int64_t own_columns);

    void code(const CodeStep& step) override;

    // All streams have been used up exactly, or Error is thrown.
    void finish() const;

private:
    const Tables tables_;
    std::vector<std::unique_ptr<RansDecoder>> streams_;
};

}  // namespace hpcm
