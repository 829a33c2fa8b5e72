#include "wkv.h"

#include <algorithm>
#include <vector>

#include "dispatch.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

// A window of planar channels <-> [token][lane], tokens in raster order.
struct Rectangle {
    size_t offset, row, plane;  // first sample, distance of rows, of channels
    int height, width;

    int tokens() const { return height * width; }

    void gather(const float* from, int channels, int lanes, float* to) const {
        for (int c = 0; c < channels; ++c) {
            const float* source = from + offset + c * plane;
            float* target = to + c;
            for (int i = 0; i < height; ++i, source += row) {
                for (int j = 0; j < width; ++j, target += lanes) *target = source[j];
            }
        }
    }

    void scatter(const float* from, int channels, int lanes, float* to) const {
        for (int c = 0; c < channels; ++c) {
            float* target = to + offset + c * plane;
            const float* source = from + c;
            for (int i = 0; i < height; ++i, target += row) {
                for (int j = 0; j < width; ++j, source += lanes) target[j] = *source;
            }
        }
    }
};

}  // namespace

void wkv(const float* w, const float* u, const float* k, const float* v, int batch, int tokens, int channels, float* y) {
    const Ops& level = ops();
    const int lanes = level.lanes, blocks = (channels + lanes - 1) / lanes;
    parallel_for(static_cast<size_t>(batch) * blocks, 1, [&](size_t begin, size_t end) {
        std::vector<float> borders(wkv_border_floats(tokens, lanes));
        for (size_t i = begin; i < end; ++i) {
            const int first = static_cast<int>(i % blocks) * lanes;
            const size_t at = i / blocks * tokens * channels + first;
            level.wkv.forward({w + first, u + first, k + at, v + at, y + at, channels, tokens,
                               std::min(lanes, channels - first), borders.data()});
        }
    });
}

void wkv_backward(const float* w, const float* u, const float* k, const float* v, const float* gy, int batch, int tokens,
                  int channels, float* gw, float* gu, float* gk, float* gv) {
    const Ops& level = ops();
    const int lanes = level.lanes, blocks = (channels + lanes - 1) / lanes;
    const size_t all = static_cast<size_t>(batch) * channels;
    std::vector<float> sums(2 * all);  // of w, then of u, per sequence
    parallel_for(static_cast<size_t>(batch) * blocks, 1, [&](size_t begin, size_t end) {
        std::vector<float> kept(wkv_kept_floats(tokens, lanes));
        for (size_t i = begin; i < end; ++i) {
            const int first = static_cast<int>(i % blocks) * lanes;
            const size_t at = i / blocks * tokens * channels + first, sum = i / blocks * channels + first;
            level.wkv.backward({w + first, u + first, k + at, v + at, gy + at, gk + at, gv + at, channels, tokens,
                                std::min(lanes, channels - first), sums.data() + sum, sums.data() + all + sum, kept.data()});
        }
    });
    std::fill(gw, gw + channels, 0.0f);
    std::fill(gu, gu + channels, 0.0f);
    for (size_t i = 0; i < all; ++i) {
        gw[i % channels] += sums[i];
        gu[i % channels] += sums[all + i];
    }
}

void wkv_windows(const float* w, const float* u, const float* k, const float* v, int channels, int height, int width,
                 int rows, int columns, float* y) {
    const Ops& level = ops();
    rows = std::min(rows, height);
    columns = std::min(columns, width);
    const int lanes = level.lanes, blocks = (channels + lanes - 1) / lanes;
    const int across = (width + columns - 1) / columns, down = (height + rows - 1) / rows;
    const size_t plane = static_cast<size_t>(height) * width, packed = static_cast<size_t>(rows) * columns * lanes;
    parallel_for(static_cast<size_t>(across) * down * blocks, 1, [&](size_t begin, size_t end) {
        // Lanes beyond the last channel hold zeros or another window's numbers: they are computed and dropped.
        std::vector<float> buffer(3 * packed + 2 * lanes + wkv_border_floats(packed / lanes, lanes));
        float *const keys = buffer.data(), *const values = keys + packed, *const results = values + packed;
        float *const decay = results + packed, *const bonus = decay + lanes, *const borders = bonus + lanes;
        for (size_t i = begin; i < end; ++i) {
            const int first = static_cast<int>(i % blocks) * lanes, count = std::min(lanes, channels - first);
            const int top = static_cast<int>(i / blocks / across) * rows, left = static_cast<int>(i / blocks % across) * columns;
            const Rectangle window{first * plane + static_cast<size_t>(top) * width + left, static_cast<size_t>(width), plane,
                                   std::min(rows, height - top), std::min(columns, width - left)};
            std::copy(w + first, w + first + count, decay);
            std::copy(u + first, u + first + count, bonus);
            window.gather(k, count, lanes, keys);
            window.gather(v, count, lanes, values);
            level.wkv.forward({decay, bonus, keys, values, results, lanes, window.tokens(), lanes, borders});
            window.scatter(results, count, lanes, y);
        }
    });
}

}  // namespace hpcm
