#include <algorithm>
#include <cmath>
#include <vector>

#include "dispatch.h"
#include "fpenv.h"
#include "functions.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

// One window of planar channels <-> [component][token], rows of the window after one another.
struct WindowView {
    size_t offset, row, plane;  // first sample, distance of rows, of channels
    int rows, columns, components, stride;

    void gather(const float* from, float* to) const {
        for (int b = 0; b < components; ++b) {
            for (int r = 0; r < rows; ++r) {
                const float* source = from + offset + static_cast<size_t>(b) * plane + static_cast<size_t>(r) * row;
                for (int s = 0; s < columns; ++s) to[b * stride + r * columns + s] = source[s];
            }
        }
    }

    void scatter(const float* from, float* to) const {
        for (int b = 0; b < components; ++b) {
            for (int r = 0; r < rows; ++r) {
                float* target = to + offset + static_cast<size_t>(b) * plane + static_cast<size_t>(r) * row;
                for (int s = 0; s < columns; ++s) target[s] = from[b * stride + r * columns + s];
            }
        }
    }
};

}  // namespace

void window_attention(const float* q, const float* k, const float* v, int channels, int height, int width, int window,
                      int heads, float* out) {
    const auto attend = ops().math.attend;
    const int components = channels / heads, stride = (window * window + 15) / 16 * 16;
    const int across = (width + window - 1) / window, windows = (height + window - 1) / window * across;
    const size_t plane = static_cast<size_t>(height) * width, packed = static_cast<size_t>(components) * stride;
    // Double division and square root are correctly rounded everywhere, once the host's rounding mode is set aside.
    const FpGuard guard;
    const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(components)));
    parallel_for(static_cast<size_t>(windows) * heads, 8, [&](size_t begin, size_t end) {
        std::vector<float> buffer(4 * packed + static_cast<size_t>(stride) * 16);
        float *const a = buffer.data(), *const b = a + packed, *const c = b + packed, *const d = c + packed;
        for (size_t i = begin; i < end; ++i) {
            const int place = static_cast<int>(i / heads), number = static_cast<int>(i % heads);
            const int top = place / across * window, left = place % across * window;
            const int rows = std::min(window, height - top), columns = std::min(window, width - left);
            const size_t corner = static_cast<size_t>(top) * width + static_cast<size_t>(left);
            const WindowView view{static_cast<size_t>(number) * components * plane + corner, static_cast<size_t>(width), plane,
                                  rows, columns, components, stride};
            const AttentionHead head{a, b, c, d, d + packed, rows * columns, components, stride, scale};
            view.gather(q, a);
            view.gather(k, b);
            view.gather(v, c);
            attend(head);
            view.scatter(d, out);
        }
    });
}

}  // namespace hpcm
