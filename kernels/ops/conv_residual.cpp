// Residual blocks, fused: a tile of pixels goes through all layers while it is in cache.
#include <algorithm>

#include "conv.h"
#include "dispatch.h"
#include "product.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr int kMaxPanels = 8;  // of a tile: their slices of a sum (product.cpp) stay in the second-level cache
constexpr float kSlope = 0.01f;

// The input below the first row of the result.
const float* below(const Planes& x, const Rows& out) { return x.data + static_cast<ptrdiff_t>(out.row) * x.width; }

// out = x + reduce(leaky(expand(spatial))) for one tile; `spatial` holds the tile in panels of all x.channels.
void finish_tile(const GemmOps& gemm, const Planes& x, const ResidualBlock& block, const float* spatial, float* hidden,
                 int pixel, int columns, const Rows& out) {
    const ptrdiff_t width = gemm.panel_width;
    GemmBlock expand{};
    expand.weights = block.expand;
    expand.weight_stride = x.channels;
    expand.bias = block.expand_bias;
    expand.panels = spatial;
    expand.panel_stride = x.channels * width;
    expand.rows = block.hidden;
    expand.columns = columns;
    expand.out = hidden;  // already in the layout that the next product reads
    expand.out_stride = width;
    expand.out_panel_stride = block.hidden * width;
    expand.leaky = true;
    expand.slope = kSlope;
    multiply_packed(gemm, expand, x.channels);

    GemmBlock reduce{};
    reduce.weights = block.reduce;
    reduce.weight_stride = block.hidden;
    reduce.bias = block.reduce_bias;
    reduce.panels = hidden;
    reduce.panel_stride = block.hidden * width;
    reduce.rows = x.channels;
    reduce.columns = columns;
    reduce.out = out.data + pixel;
    reduce.out_stride = out.plane;
    reduce.out_panel_stride = width;
    reduce.residual = below(x, out) + pixel;
    reduce.residual_stride = x.plane;
    multiply_packed(gemm, reduce, block.hidden);
}

// Calls spatial(pixel, columns, panels) for each tile, then the rest of the block.
template <typename Spatial>
void run_tiles(const GemmOps& gemm, const Planes& x, const ResidualBlock& block, const Rows& out, Spatial spatial) {
    const int pixels = out.rows * x.width, width = gemm.panel_width;
    const int panels = (pixels + width - 1) / width, threads = get_threads();
    const int group = std::clamp(panels / (threads == 1 ? 1 : 2 * threads), 1, kMaxPanels);
    parallel_for(panels, group, [&](size_t begin, size_t end) {
        const int pixel = static_cast<int>(begin) * width;
        const int columns = std::min(pixels, static_cast<int>(end) * width) - pixel;
        Buffer tile((end - begin) * width * x.channels), hidden((end - begin) * width * block.hidden);
        spatial(pixel, columns, tile.data());
        finish_tile(gemm, x, block, tile.data(), hidden.data(), pixel, columns, out);
    });
}

Window window3x3(const Planes& x, const Rows& out) { return {3, 3, out.row - 1, -1, 1, 1, x.width}; }

}  // namespace

void pconv_rb(const Planes& x, const ResidualBlock& block, const Rows& out) {
    const Ops& level = ops();  // once: another thread may switch levels meanwhile
    const GemmOps& gemm = level.gemm;
    const WindowOps& windows = level.window;
    const int partial = block.spatial_channels, width = gemm.panel_width;
    const ptrdiff_t panel_stride = static_cast<ptrdiff_t>(x.channels) * width;
    run_tiles(gemm, x, block, out, [&](int pixel, int columns, float* tile) {
        gemm.pack(below(x, out) + partial * x.plane + pixel, x.plane, x.channels - partial, columns, tile + partial * width,
                  panel_stride);
        GemmBlock spatial{};
        spatial.weights = block.spatial;
        spatial.weight_stride = partial * 9;
        spatial.bias = block.spatial_bias;
        spatial.rows = partial;
        spatial.columns = columns;
        spatial.out = tile;
        spatial.out_stride = width;
        spatial.out_panel_stride = panel_stride;
        Strip strip(windows, {x.data, partial, x.height, x.width, x.plane}, window3x3(x, out), pixel, columns, slice_channels(partial, 9));
        multiply_sliced(gemm, spatial, partial, 9, [&](int first, int channels, float* panels, ptrdiff_t stride) {
            windows.pack(strip.load(first, channels), panels, stride);
        });
    });
}

void dwconv_rb(const Planes& x, const ResidualBlock& block, const Rows& out) {
    constexpr int kChannels = 16;  // of one strip
    const Ops& level = ops();  // once: another thread may switch levels meanwhile
    const WindowOps& windows = level.window;
    const int width = level.gemm.panel_width;
    run_tiles(level.gemm, x, block, out, [&](int pixel, int columns, float* tile) {
        Strip strip(windows, x, window3x3(x, out), pixel, columns, std::min(kChannels, x.channels));
        for (int c = 0; c < x.channels; c += kChannels) {
            const int channels = std::min(kChannels, x.channels - c);
            windows.depthwise(strip.load(c, channels), block.spatial + static_cast<ptrdiff_t>(c) * 9, block.spatial_bias + c,
                              tile + static_cast<ptrdiff_t>(c) * width, width, static_cast<ptrdiff_t>(x.channels) * width);
        }
    });
}

}  // namespace hpcm
