// Cutting the input of a convolution into pieces with their zero border.
#pragma once

#include "buffer.h"
#include "window_ops.h"

namespace hpcm {

struct Planes {
    const float* data;
    int channels, height, width;
};

// The input row of tap i at output row r is r*stride + row_offset + i*row_step, and the same for columns.
struct Window {
    int tap_rows, tap_columns;
    int row_offset, column_offset;
    int step;  // +1, or -1 for a transposed convolution
    int stride;
    int out_width;
    int taps() const { return tap_rows * tap_columns; }
};

// The strip (window_ops.h) below the output pixels first_pixel .. first_pixel + columns, for up to max_channels at once.
class Strip {
public:
    Strip(const WindowOps& windows, const Planes& planes, const Window& window, int first_pixel, int columns, int max_channels);

    // Fills the strip with these channels of the input and describes it. Valid until the next call.
    const WindowBlock& load(int first_channel, int channels);

private:
    const WindowOps& windows_;
    Planes planes_;
    PlaneCut cut_;
    WindowBlock block_;
    Buffer data_;
};

}  // namespace hpcm
