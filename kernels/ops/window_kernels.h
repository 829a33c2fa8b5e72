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

inline void zero_run(float* to, int length) {
    const F32 zero = splat(0.0f);
    int i = 0;
    for (; i + kLanes <= length; i += kLanes) store(to + i, zero);
    if (i < length) store(to + i, zero, length - i);
}

void cut_strip(const PlaneCut& cut, const float* plane, float* to) {
    for (int i = 0; i < cut.rows; ++i, to += cut.columns) {
        const int row = cut.row + i;
        if (row < 0 || row >= cut.height) {
            zero_run(to, cut.columns);
            continue;
        }
        zero_run(to, cut.begin);
        copy_run(to + cut.begin, plane + static_cast<ptrdiff_t>(row) * cut.width + cut.column + cut.begin, cut.end - cut.begin, 1);
        zero_run(to + cut.end, cut.columns - cut.end);
    }
}

// A panel whose pixels are neighbours in one row.
void pack_neighbours(const WindowBlock& b, ptrdiff_t from, float* panel) {
    for (int c = 0; c < b.channels; ++c) {
        const float* channel = b.strip + c * b.channel_stride + b.tap0 + from;
        for (int ty = 0; ty < b.tap_rows; ++ty) {
            const float* tap = channel + ty * b.tap_row_step;
            for (int tx = 0; tx < b.tap_columns; ++tx, panel += kWidth, tap += b.tap_column_step) {
                repeat<kVectors>([&](int j) { store(panel + j * kLanes, load(tap + j * kLanes)); });
            }
        }
    }
}

void pack_windows(const WindowBlock& b, float* panels, ptrdiff_t panel_stride) {
    Segment segments[kWidth];
    for (int column = 0; column < b.columns; column += kWidth, panels += panel_stride) {
        const int count = split_panel(b, column, segments);
        const int width = b.columns - column;
        if (segments[0].length == kWidth && b.stride == 1) {
            pack_neighbours(b, segments[0].from, panels);
            continue;
        }
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

// Taps of any number, and 3x3 with its weights in registers: sum(load_tap) is one vector of a channel's outputs, where
// load_tap(at) reads the vector's input that lies `at` from its own place.
struct AnyTaps {
    const WindowBlock& b;
    const float* w;
    float bias;

    template <typename LoadTap>
    F32 sum(LoadTap load_tap) const {
        F32 acc = splat(bias);
        for (int ty = 0; ty < b.tap_rows; ++ty) {
            for (int tx = 0; tx < b.tap_columns; ++tx) {
                const F32 weight = splat(w[ty * b.tap_columns + tx]);
                acc = fma(weight, load_tap(ty * b.tap_row_step + tx * b.tap_column_step), acc);
            }
        }
        return acc + splat(0.0f);
    }
};

struct NineTaps {
    F32 weights[9], bias;
    ptrdiff_t row_step, column_step;

    NineTaps(const WindowBlock& b, const float* w, float bias_)
        : bias(splat(bias_)), row_step(b.tap_row_step), column_step(b.tap_column_step) {
        repeat<9>([&](int t) { weights[t] = splat(w[t]); });
    }

    template <typename LoadTap>
    HPCM_ALWAYS_INLINE F32 sum(LoadTap load_tap) const {
        F32 acc = bias;
        repeat<9>([&](int t) { acc = fma(weights[t], load_tap(t / 3 * row_step + t % 3 * column_step), acc); });
        return acc + splat(0.0f);
    }
};

template <typename Taps>
void depthwise_panels(const WindowBlock& b, const float* w, const float* bias, float* out, ptrdiff_t out_stride,
                      ptrdiff_t out_panel_stride) {
    Segment segments[kWidth];
    const int taps = b.tap_rows * b.tap_columns;
    for (int column = 0; column < b.columns; column += kWidth, out += out_panel_stride) {
        const int count = split_panel(b, column, segments);
        for (int c = 0; c < b.channels; ++c) {
            const float* channel = b.strip + c * b.channel_stride + b.tap0;
            const Taps kernel{b, w + c * taps, bias ? bias[c] : 0.0f};
            for (int s = 0; s < count; ++s) {
                const float* from = channel + segments[s].from;
                float* to = out + c * out_stride + segments[s].to;
                int i = 0;
                for (; i + kLanes <= segments[s].length; i += kLanes) {
                    store(to + i, kernel.sum([&](ptrdiff_t at) { return load(from + i + at); }));
                }
                const int rest = segments[s].length - i;
                if (rest > 0) store(to + i, kernel.sum([&](ptrdiff_t at) { return load(from + i + at, rest); }), rest);
            }
        }
    }
}

void depthwise(const WindowBlock& b, const float* w, const float* bias, float* out, ptrdiff_t out_stride,
               ptrdiff_t out_panel_stride) {
    if (b.tap_rows == 3 && b.tap_columns == 3) {
        depthwise_panels<NineTaps>(b, w, bias, out, out_stride, out_panel_stride);
    } else {
        depthwise_panels<AnyTaps>(b, w, bias, out, out_stride, out_panel_stride);
    }
}

constexpr WindowOps kWindowOps = {cut_strip, pack_windows, depthwise};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
