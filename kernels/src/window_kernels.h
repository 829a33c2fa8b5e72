// The operations of window_ops.h for one instruction set.
#pragma once

#include "gemm_kernels.h"
#include "window_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

// Pixels of one panel that lie in one row of the output.
struct Segment {
    ptrdiff_t from;  // strip position of the first
    int to, length;  // place in the panel
};

inline int split_panel(const WindowBlock& b, int column, Segment* segments) {
    const int width = b.columns - column < kWidth ? b.columns - column : kWidth;
    int count = 0;
    for (int done = 0; done < width; ++count) {
        const int pixel = b.first_pixel + column + done;
        const int i = pixel / b.out_width, j = pixel % b.out_width;
        const int row_left = b.out_width - j;
        const int length = row_left < width - done ? row_left : width - done;
        const ptrdiff_t row = static_cast<ptrdiff_t>(i - b.row0) * b.stride * b.strip_width;
        segments[count] = {row + static_cast<ptrdiff_t>(j - b.column0) * b.stride, done, length};
        done += length;
    }
    return count;
}

inline void copy_run(float* to, const float* from, int length, int stride) {
    if (stride != 1) {
        for (int i = 0; i < length; ++i) to[i] = from[static_cast<ptrdiff_t>(i) * stride];
        return;
    }
    int i = 0;
    for (; i + kLanes <= length; i += kLanes) store(to + i, load(from + i));
    if (i < length) store(to + i, load(from + i, length - i), length - i);
}

void pack_windows(const WindowBlock& b, float* panels, ptrdiff_t panel_stride) {
    Segment segments[kWidth];
    for (int column = 0; column < b.columns; column += kWidth, panels += panel_stride) {
        const int count = split_panel(b, column, segments);
        const int width = b.columns - column;
        float* row = panels;
        for (int c = 0; c < b.channels; ++c) {
            const float* channel = b.strip + c * b.channel_stride + b.tap0;
            for (int ty = 0; ty < b.tap_rows; ++ty) {
                for (int tx = 0; tx < b.tap_columns; ++tx, row += kWidth) {
                    const float* tap = channel + ty * b.tap_row_step + tx * b.tap_column_step;
                    for (int s = 0; s < count; ++s) {
                        copy_run(row + segments[s].to, tap + segments[s].from, segments[s].length, b.stride);
                    }
                    for (int j = width; j < kWidth; ++j) row[j] = 0.0f;
                }
            }
        }
    }
}

// One vector of outputs of one channel; load_tap reads its input at a tap.
template <typename LoadTap>
inline F32 depthwise_sum(const WindowBlock& b, const float* w, float bias, LoadTap load_tap) {
    F32 acc = splat(bias);
    for (int ty = 0; ty < b.tap_rows; ++ty) {
        for (int tx = 0; tx < b.tap_columns; ++tx) {
            acc = fma(splat(*w++), load_tap(ty * b.tap_row_step + tx * b.tap_column_step), acc);
        }
    }
    return acc + splat(0.0f);
}

void depthwise(const WindowBlock& b, const float* w, const float* bias, float* out, ptrdiff_t out_stride,
               ptrdiff_t out_panel_stride) {
    Segment segments[kWidth];
    const int taps = b.tap_rows * b.tap_columns;
    for (int column = 0; column < b.columns; column += kWidth, out += out_panel_stride) {
        const int count = split_panel(b, column, segments);
        for (int c = 0; c < b.channels; ++c) {
            const float* channel = b.strip + c * b.channel_stride + b.tap0;
            const float start = bias ? bias[c] : 0.0f;
            for (int s = 0; s < count; ++s) {
                const float* from = channel + segments[s].from;
                float* to = out + c * out_stride + segments[s].to;
                int i = 0;
                for (; i + kLanes <= segments[s].length; i += kLanes) {
                    store(to + i, depthwise_sum(b, w + c * taps, start, [&](ptrdiff_t at) { return load(from + i + at); }));
                }
                const int rest = segments[s].length - i;
                if (rest > 0) {
                    const F32 v = depthwise_sum(b, w + c * taps, start,
                                                [&](ptrdiff_t at) { return load(from + i + at, rest); });
                    store(to + i, v, rest);
                }
            }
        }
    }
}

constexpr WindowOps kWindowOps = {pack_windows, depthwise};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
