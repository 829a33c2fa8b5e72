// Cutting the input of a convolution into pieces with their zero border.
#pragma once

#include "buffer.h"
#include "window_ops.h"

namespace hpcm {

// A map, or neighbouring rows of one: rows follow one another, planes lie `plane` floats apart.
struct Planes {
    const float* data;
    int channels, height, width;
    ptrdiff_t plane;

    Planes(const float* data_, int channels_, int height_, int width_)
        : Planes(data_, channels_, height_, width_, static_cast<ptrdiff_t>(height_) * width_) {}
    Planes(const float* data_, int channels_, int height_, int width_, ptrdiff_t plane_)
        : data(data_), channels(channels_), height(height_), width(width_), plane(plane_) {}
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
