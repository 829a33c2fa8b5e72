// Reading the neighbourhoods of pixels: packing them for a product, and depthwise convolution.
#pragma once

#include <cstddef>

namespace hpcm {

// A strip is a piece of some channels of the input, copied with its zero border, so that no tap needs a bounds test.
// Output pixel p (flattened, out_width to a row) starts at strip position
//     (p / out_width - row0) * stride * strip_width + (p % out_width - column0) * stride
// and its taps lie at tap0 + i * tap_row_step + j * tap_column_step from there.
struct WindowBlock {
    const float* strip;
    ptrdiff_t channel_stride;
    int strip_width;
    int channels;
    int tap_rows, tap_columns;
    ptrdiff_t tap0, tap_row_step, tap_column_step;
    int stride, out_width;
    int row0, column0;
    int first_pixel, columns;  // output pixels first_pixel .. first_pixel + columns
};

// Where a strip lies in its plane of height x width: rows x columns from (row, column), which may be outside; in each row
// inside, the columns begin .. end of the strip are the plane's, the others are border.
struct PlaneCut {
    int height, width;
    int row, column, rows, columns;
    int begin, end;
};

struct WindowOps {
    // Copies one channel of a strip, zeros for what lies outside.
    void (*cut)(const PlaneCut&, const float* plane, float* to);
    // Row k = (channel, tap row, tap column) of a panel takes that tap of the panel's pixels; zeros beyond the last.
    void (*pack)(const WindowBlock&, float* panels, ptrdiff_t panel_stride);
    // Depthwise: out[c][p] = bias[c] + taps in order, + 0.0f; w[channel][tap row][tap column]; bias may be null. Stride 1.
    // Panel q starts at out + q*out_panel_stride, its channels are out_stride apart; pixels beyond the last are not written.
    void (*depthwise)(const WindowBlock&, const float* w, const float* bias, float* out, ptrdiff_t out_stride,
                      ptrdiff_t out_panel_stride);
};

}  // namespace hpcm
