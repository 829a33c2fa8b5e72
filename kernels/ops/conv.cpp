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

// Where the block's outputs go, and what follows them there.
void place(GemmBlock& block, const GemmOps& gemm, const Rows& out, const Epilogue& then, int output, int pixel) {
    block.out = out.data + output * out.plane + pixel;
    block.out_stride = out.plane;
    block.out_panel_stride = gemm.panel_width;
    block.leaky = then.leaky;
    block.slope = then.slope;
    block.residual = then.residual ? then.residual + output * then.residual_plane + pixel : nullptr;
    block.residual_stride = then.residual_plane;
}

}  // namespace

void conv1x1(const Planes& x, const float* w, const float* bias, int outputs, const Rows& out, const Epilogue& then) {
    const GemmOps& gemm = ops().gemm;
    const float* const from = x.data + static_cast<ptrdiff_t>(out.row) * x.width;
    for_blocks(gemm, out.rows * x.width, outputs, [&](int pixel, int columns, int output, int count) {
        GemmBlock block = block_for(w, bias, x.channels, output, count, columns);
        place(block, gemm, out, then, output, pixel);
        multiply_sliced(gemm, block, x.channels, 1, [&](int first, int channels, float* panels, ptrdiff_t stride) {
            gemm.pack(from + first * x.plane + pixel, x.plane, channels, columns, panels, stride);
        });
    });
}

void conv2d(const Planes& x, const float* w, const float* bias, int outputs, const Kernel& kernel, const Rows& out,
            const Epilogue& then) {
    const Ops& level = ops();  // once: another thread may switch levels meanwhile
    const GemmOps& gemm = level.gemm;
    const WindowOps& windows = level.window;
    const int width = static_cast<int>(conv_extent(x.width, kernel.width, kernel.stride, kernel.padding));
    const int first_row = out.row * kernel.stride - kernel.padding;
    const Window window{kernel.height, kernel.width, first_row, -kernel.padding, 1, kernel.stride, width};
    const int taps = window.taps();
    for_blocks(gemm, out.rows * width, outputs, [&](int pixel, int columns, int output, int count) {
        GemmBlock block = block_for(w, bias, x.channels * taps, output, count, columns);
        place(block, gemm, out, then, output, pixel);
        Strip strip(windows, x, window, pixel, columns, slice_channels(x.channels, taps));
        multiply_sliced(gemm, block, x.channels, taps, [&](int first, int channels, float* panels, ptrdiff_t stride) {
            windows.pack(strip.load(first, channels), panels, stride);
        });
    });
}

}  // namespace hpcm
