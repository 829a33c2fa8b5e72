// A transposed convolution is stride x stride ordinary ones: outputs of equal position modulo the stride (a phase) use the
// same taps. Taps ascend while the input position descends, hence the window's step of -1.
#include <algorithm>
#include <vector>

#include "conv.h"
#include "dispatch.h"
#include "product.h"

namespace hpcm {
namespace {

// One axis of a phase: outputs start, start + stride, ...; taps tap0, tap0 + stride, ...
struct PhaseAxis {
    int start, outputs, tap0, taps, offset;

    PhaseAxis(int start_, int extent, int kernel, int stride, int padding)
        : start(start_), outputs((extent - start_ + stride - 1) / stride), tap0((start_ + padding) % stride),
          taps(kernel > tap0 ? (kernel - tap0 + stride - 1) / stride : 0), offset((start_ + padding) / stride) {}
};

// The phase's weights as [outputs][channels][taps].
std::vector<float> gather(const float* w, int channels, int outputs, const Kernel& k, const PhaseAxis& rows,
                          const PhaseAxis& columns) {
    std::vector<float> gathered;
    gathered.reserve(static_cast<size_t>(outputs) * channels * rows.taps * columns.taps);
    for (int o = 0; o < outputs; ++o) {
        for (int c = 0; c < channels; ++c) {
            const float* kernel = w + (static_cast<ptrdiff_t>(c) * outputs + o) * k.height * k.width;
            for (int i = rows.tap0; i < k.height; i += k.stride) {
                for (int j = columns.tap0; j < k.width; j += k.stride) gathered.push_back(kernel[i * k.width + j]);
            }
        }
    }
    return gathered;
}

}  // namespace

void conv_transpose2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, const Rows& out) {
    const Ops& level = ops();  // once: another thread may switch levels meanwhile
    const GemmOps& gemm = level.gemm;
    const WindowOps& windows = level.window;
    const int width = static_cast<int>(conv_transpose_extent(x.width, kernel.width, kernel.stride, kernel.padding));
    const int stride = kernel.stride;
    for (int phase = 0; phase < stride * stride; ++phase) {
        const PhaseAxis rows(phase / stride, out.rows, kernel.height, stride, kernel.padding + out.row);
        const PhaseAxis columns(phase % stride, width, kernel.width, stride, kernel.padding);
        if (rows.outputs <= 0 || columns.outputs <= 0) continue;
        const std::vector<float> weights = gather(w, x.channels, outputs, kernel, rows, columns);
        const Window window{rows.taps, columns.taps, rows.offset, columns.offset, -1, 1, columns.outputs};
        const int taps = window.taps(), pixels = rows.outputs * columns.outputs;
        for_blocks(gemm, pixels, outputs, [&](int pixel, int count, int output, int output_count) {
            Buffer result(static_cast<size_t>(output_count) * count);
            GemmBlock block{};
            block.weights = weights.data() + static_cast<ptrdiff_t>(output) * x.channels * taps;
            block.weight_stride = static_cast<ptrdiff_t>(x.channels) * taps;
            block.bias = bias ? bias + output : nullptr;
            block.rows = output_count;
            block.columns = count;
            block.out = result.data();
            block.out_stride = count;
            block.out_panel_stride = gemm.panel_width;
            if (taps == 0) {  // the kernel is narrower than the stride: nothing but the bias falls here
                block.first = block.last = true;
                gemm.multiply(block);
            } else {
                Strip strip(windows, x, window, pixel, count, slice_channels(x.channels, taps));
                multiply_sliced(gemm, block, x.channels, taps,
                                [&](int first, int channels, float* panels, ptrdiff_t panel_stride) {
                                    windows.pack(strip.load(first, channels), panels, panel_stride);
                                });
            }
            for (int o = 0; o < output_count; ++o) {
                float* const plane = out.data + (output + o) * out.plane + columns.start;
                const float* from = result.data() + static_cast<ptrdiff_t>(o) * count;
                for (int done = 0; done < count;) {  // row by row
                    const int row = (pixel + done) / columns.outputs, column = (pixel + done) % columns.outputs;
                    const int length = std::min(columns.outputs - column, count - done);
                    float* to = plane + (rows.start + static_cast<ptrdiff_t>(row) * stride) * width + column * stride;
                    for (int i = 0; i < length; ++i, to += stride) *to = from[done + i];
                    done += length;
                }
            }
        });
    }
}

}  // namespace hpcm
