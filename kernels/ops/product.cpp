#include "product.h"

#include <algorithm>

#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr int kDepth = 256;       // rows of a panel: 16 KiB at 16 pixels, half of a first-level cache
constexpr int kGroup = 8;         // panels per task: 128 KiB, a part of the second-level cache
constexpr int kTasksPerThread = 3;  // so that a thread that is held up does not keep the others waiting for long

int divide_up(int a, int b) { return (a + b - 1) / b; }

}  // namespace

int slice_channels(int channels, int taps) { return std::min(channels, std::max(1, kDepth / taps)); }

void multiply_sliced(const GemmOps& gemm, GemmBlock block, int channels, int taps, const PackChannels& pack) {
    const int slice = slice_channels(channels, taps);
    const int panels = divide_up(block.columns, gemm.panel_width);
    Buffer packed(static_cast<size_t>(panels) * slice * taps * gemm.panel_width);
    const float* weights = block.weights;
    for (int c = 0; c < channels; c += slice) {
        const int count = std::min(slice, channels - c);
        block.depth = count * taps;
        block.panel_stride = static_cast<ptrdiff_t>(block.depth) * gemm.panel_width;
        pack(c, count, packed.data(), block.panel_stride);
        block.panels = packed.data();
        block.weights = weights + static_cast<ptrdiff_t>(c) * taps;
        block.first = c == 0;
        block.last = c + count == channels;
        gemm.multiply(block);
    }
}

void multiply_packed(const GemmOps& gemm, GemmBlock block, int depth) {
    const float *weights = block.weights, *panels = block.panels;
    for (int k = 0; k < depth; k += kDepth) {
        block.depth = std::min(kDepth, depth - k);
        block.weights = weights + k;
        block.panels = panels + static_cast<ptrdiff_t>(k) * gemm.panel_width;
        block.first = k == 0;
        block.last = k + block.depth == depth;
        gemm.multiply(block);
    }
}

void for_blocks(const GemmOps& gemm, int pixels, int outputs, const std::function<void(int, int, int, int)>& body) {
    const int panels = divide_up(pixels, gemm.panel_width);
    const int wanted = get_threads() == 1 ? 1 : kTasksPerThread * get_threads();
    const int group = std::clamp(panels / wanted, 1, kGroup);
    const int groups = divide_up(panels, group);
    // Few pixels: share the outputs as well, in whole tiles, though each part packs the same input again.
    const int tiles = divide_up(outputs, gemm.tile_rows);
    const int parts = std::clamp(wanted / groups, 1, std::max(1, tiles / 4));
    const int rows = divide_up(tiles, parts) * gemm.tile_rows;
    const int row_groups = divide_up(outputs, rows);
    parallel_for(static_cast<size_t>(groups) * row_groups, 1, [&](size_t begin, size_t end) {
        for (size_t task = begin; task < end; ++task) {
            const int pixel = static_cast<int>(task / row_groups) * group * gemm.panel_width;
            const int output = static_cast<int>(task % row_groups) * rows;
            body(pixel, std::min(group * gemm.panel_width, pixels - pixel), output, std::min(rows, outputs - output));
        }
    });
}

}  // namespace hpcm
