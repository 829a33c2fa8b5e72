#include "conv.h"

#include "dispatch.h"
#include "product.h"

namespace hpcm {
namespace {

GemmBlock block_for(const float* w, const float* bias, int depth, int output, int outputs, int columns) {
    GemmBlock block{};
    block.weights = w + static_cast<ptrdiff_t>(output) * depth;
    block.weight_stride = depth;
    block.bias = bias ? bias + output : nullptr;
    block.rows = outputs;
    block.columns = columns;
    return block;
}

}  // namespace

void conv1x1(const Planes& x, const float* w, const float* bias, int outputs, float* out) {
    const GemmOps& gemm = ops().gemm;
    const int pixels = x.height * x.width;
    for_blocks(gemm, pixels, outputs, [&](int pixel, int columns, int output, int count) {
        GemmBlock block = block_for(w, bias, x.channels, output, count, columns);
        block.out = out + static_cast<ptrdiff_t>(output) * pixels + pixel;
        block.out_stride = pixels;
        block.out_panel_stride = gemm.panel_width;
        multiply_sliced(gemm, block, x.channels, 1, [&](int first, int channels, float* panels, ptrdiff_t stride) {
            gemm.pack(x.data + static_cast<ptrdiff_t>(first) * pixels + pixel, pixels, channels, columns, panels, stride);
        });
    });
}

void conv2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, float* out) {
    const Ops& level = ops();  // once: another thread may switch levels meanwhile
    const GemmOps& gemm = level.gemm;
    const WindowOps& windows = level.window;
    const int height = static_cast<int>(conv_extent(x.height, kernel.height, kernel.stride, kernel.padding));
    const int width = static_cast<int>(conv_extent(x.width, kernel.width, kernel.stride, kernel.padding));
    const int pixels = height * width;
    const Window window{kernel.height, kernel.width, -kernel.padding, -kernel.padding, 1, kernel.stride, width};
    const int taps = window.taps();
    for_blocks(gemm, pixels, outputs, [&](int pixel, int columns, int output, int count) {
        GemmBlock block = block_for(w, bias, x.channels * taps, output, count, columns);
        block.out = out + static_cast<ptrdiff_t>(output) * pixels + pixel;
        block.out_stride = pixels;
        block.out_panel_stride = gemm.panel_width;
        Strip strip(windows, x, window, pixel, columns, slice_channels(x.channels, taps));
        multiply_sliced(gemm, block, x.channels, taps, [&](int first, int channels, float* panels, ptrdiff_t stride) {
            windows.pack(strip.load(first, channels), panels, stride);
        });
    });
}

}  // namespace hpcm
