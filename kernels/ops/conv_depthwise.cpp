#include <algorithm>

#include "conv.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace hpcm {

void depthwise(const Planes& x, const float* w, const float* bias, const Kernel& kernel, const Rows& out) {
    constexpr int kRows = 8, kChannels = 8;  // of a task: its strip stays in cache
    const Ops& level = ops();  // once: another thread may switch levels meanwhile
    const WindowOps& windows = level.window;
    const int panel_width = level.gemm.panel_width;
    const int width = static_cast<int>(conv_extent(x.width, kernel.width, 1, kernel.padding));
    const Window window{kernel.height, kernel.width, out.row - kernel.padding, -kernel.padding, 1, 1, width};
    const int row_groups = (out.rows + kRows - 1) / kRows, channel_groups = (x.channels + kChannels - 1) / kChannels;
    parallel_for(static_cast<size_t>(row_groups) * channel_groups, 1, [&](size_t begin, size_t) {
        const int row = static_cast<int>(begin) % row_groups * kRows;
        const int channel = static_cast<int>(begin) / row_groups * kChannels;
        const int columns = std::min(kRows, out.rows - row) * width, channels = std::min(kChannels, x.channels - channel);
        Strip strip(windows, x, window, row * width, columns, channels);
        windows.depthwise(strip.load(channel, channels), w + static_cast<ptrdiff_t>(channel) * window.taps(),
                          bias ? bias + channel : nullptr, out.data + channel * out.plane + static_cast<ptrdiff_t>(row) * width,
                          out.plane, panel_width);
    });
}

}  // namespace hpcm
