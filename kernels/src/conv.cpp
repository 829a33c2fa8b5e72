#include "conv.h"

#include <algorithm>

#include "buffer.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr int kDepth = 256;  // slice of the sum whose panels stay in cache

}  // namespace

void conv1x1(const float* x, int channels, int pixels, const float* w, int outputs, const float* bias, float* out) {
    const GemmOps& gemm = ops().gemm;
    const int width = gemm.panel_width;
    const int panels = (pixels + width - 1) / width;
    const int group = std::max(1, std::min(8, panels / (2 * get_threads())));
    parallel_for(panels, group, [&](size_t begin, size_t end) {
        const int first_pixel = static_cast<int>(begin) * width;
        const int columns = std::min(pixels, static_cast<int>(end) * width) - first_pixel;
        const int depth_max = std::min(channels, kDepth);
        Buffer packed((end - begin) * width * depth_max);
        for (int k = 0; k < channels; k += kDepth) {
            const int depth = std::min(kDepth, channels - k);
            const ptrdiff_t panel_stride = static_cast<ptrdiff_t>(depth) * width;
            gemm.pack(x + static_cast<ptrdiff_t>(k) * pixels + first_pixel, pixels, depth, columns, packed.data(),
                      panel_stride);
            GemmBlock block{};
            block.weights = w + k;
            block.weight_stride = channels;
            block.panels = packed.data();
            block.panel_stride = panel_stride;
            block.rows = outputs;
            block.depth = depth;
            block.columns = columns;
            block.bias = bias;
            block.first = k == 0;
            block.last = k + depth == channels;
            block.out = out + first_pixel;
            block.out_stride = pixels;
            block.out_panel_stride = width;
            gemm.multiply(block);
        }
    });
}

}  // namespace hpcm
