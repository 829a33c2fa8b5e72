#include <algorithm>

#include "functions.h"
#include "thread_pool.h"

namespace hpcm {

// Sums and halves only, in this bracketing: every level of SIMD gives the same bits from plain loops.

void haar_dwt(const float* x, int channels, int height, int width, float* out) {
    const int rows = (height + 1) / 2, columns = (width + 1) / 2;
    const size_t plane = static_cast<size_t>(rows) * columns, band = plane * channels;
    parallel_for(static_cast<size_t>(channels) * rows, 16, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
            const size_t channel = i / rows;
            const int row = static_cast<int>(i % rows);
            const float* top = x + (channel * height + 2 * row) * width;
            const float* bottom = top + (2 * row + 1 < height ? width : 0);
            float* to = out + channel * plane + static_cast<size_t>(row) * columns;
            for (int j = 0; j < columns; ++j) {
                const int left = 2 * j, right = std::min(2 * j + 1, width - 1);
                const float a = top[left], b = top[right], c = bottom[left], d = bottom[right];
                to[j] = ((a + b) + (c + d)) * 0.5f;
                to[band + j] = ((a + b) - (c + d)) * 0.5f;
                to[2 * band + j] = ((a - b) + (c - d)) * 0.5f;
                to[3 * band + j] = ((a - b) - (c - d)) * 0.5f;
            }
        }
    });
}

void haar_idwt(const float* bands, int channels, int height, int width, float* out) {
    const size_t plane = static_cast<size_t>(height) * width, band = plane * channels;
    parallel_for(static_cast<size_t>(channels) * height, 16, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
            const float* from = bands + i * width;
            float *top = out + 4 * i * width, *bottom = top + 2 * static_cast<size_t>(width);
            for (int j = 0; j < width; ++j) {
                const float ll = from[j], lh = from[band + j], hl = from[2 * band + j], hh = from[3 * band + j];
                top[2 * j] = ((ll + lh) + (hl + hh)) * 0.5f;
                top[2 * j + 1] = ((ll + lh) - (hl + hh)) * 0.5f;
                bottom[2 * j] = ((ll - lh) + (hl - hh)) * 0.5f;
                bottom[2 * j + 1] = ((ll - lh) - (hl - hh)) * 0.5f;
            }
        }
    });
}

}  // namespace hpcm
