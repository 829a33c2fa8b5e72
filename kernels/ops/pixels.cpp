// Operations between neighbouring pixels that are not convolutions, and moves of whole rows and pixels.
#include <algorithm>
#include <cstring>

#include "dispatch.h"
#include "elementwise.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr int kBlock = 16, kHalf = 8;
constexpr int kMostPhases = 64;  // of a side: r is at most that
constexpr size_t kGrain = 32 * 1024;  // elements worth waking a thread for

GemmBlock filter_block(const float* p, const float* panel, int columns, int panel_width) {
    GemmBlock block{};
    block.weights = p;
    block.weight_stride = kBlock;
    block.panels = panel;
    block.panel_stride = static_cast<ptrdiff_t>(kBlock) * panel_width;
    block.rows = block.depth = kBlock;
    block.columns = columns;
    block.first = block.last = true;
    block.out_panel_stride = panel_width;
    return block;
}

// The 16 rows around one border: a product of p with the matrix of these rows.
void filter_rows(const GemmOps& gemm, const float* p, const float* from, int width, float* to) {
    const int panels = (width + gemm.panel_width - 1) / gemm.panel_width;
    Buffer packed(static_cast<size_t>(panels) * kBlock * gemm.panel_width);
    gemm.pack(from, width, kBlock, width, packed.data(), static_cast<ptrdiff_t>(kBlock) * gemm.panel_width);
    GemmBlock block = filter_block(p, packed.data(), width, gemm.panel_width);
    block.out = to;
    block.out_stride = width;
    gemm.multiply(block);
}

// The columns around all inner borders of some rows, in place: the same product on transposed pieces.
void filter_columns(const GemmOps& gemm, const float* p, float* rows, int count, int width) {
    Buffer packed(static_cast<size_t>(kBlock) * gemm.panel_width), result(static_cast<size_t>(kBlock) * gemm.panel_width);
    std::fill_n(packed.data(), kBlock * gemm.panel_width, 0.0f);
    GemmBlock block = filter_block(p, packed.data(), count, gemm.panel_width);
    block.out = result.data();
    block.out_stride = gemm.panel_width;
    for (int column = kHalf; column + kBlock <= width; column += kBlock) {
        for (int i = 0; i < count; ++i) {
            const float* row = rows + static_cast<ptrdiff_t>(i) * width + column;
            for (int j = 0; j < kBlock; ++j) packed.data()[j * gemm.panel_width + i] = row[j];
        }
        gemm.multiply(block);
        for (int i = 0; i < count; ++i) {
            float* row = rows + static_cast<ptrdiff_t>(i) * width + column;
            for (int j = 0; j < kBlock; ++j) row[j] = result.data()[j * gemm.panel_width + i];
        }
    }
}

// The common factor, in a form that compilers turn into vectors.
void interleave(const float* __restrict even, const float* __restrict odd, int width, float* __restrict to) {
    for (int k = 0; k < width; ++k) {
        to[2 * static_cast<ptrdiff_t>(k)] = even[k];
        to[2 * static_cast<ptrdiff_t>(k) + 1] = odd[k];
    }
}

}  // namespace

void lapped_filter(const Planes& x, const float* p, float* out, ptrdiff_t out_plane) {
    const GemmOps& gemm = ops().gemm;
    const ptrdiff_t width = x.width;
    // Task 0 of a channel: the first and last 8 rows; task b: the 16 rows around border b.
    const int borders = x.height / kBlock - 1;
    parallel_for(static_cast<size_t>(x.channels) * (borders + 1), 1, [&](size_t begin, size_t) {
        const ptrdiff_t channel = static_cast<ptrdiff_t>(begin) / (borders + 1);
        const float* const from = x.data + channel * x.plane;
        float* const to = out + channel * out_plane;
        const ptrdiff_t border = static_cast<ptrdiff_t>(begin) % (borders + 1);
        const auto finish = [&](ptrdiff_t row, int count) {
            for (int done = 0; done < count; done += gemm.panel_width) {
                float* rows = to + (row + done) * width;
                filter_columns(gemm, p, rows, std::min(gemm.panel_width, count - done), x.width);
            }
        };
        if (border == 0) {
            for (const ptrdiff_t row : {ptrdiff_t{0}, ptrdiff_t{x.height - kHalf}}) {
                std::copy_n(from + row * width, kHalf * width, to + row * width);
                finish(row, kHalf);
            }
        } else {
            const ptrdiff_t row = border * kBlock - kHalf;
            filter_rows(gemm, p, from + row * width, x.width, to + row * width);
            finish(row, kBlock);
        }
    });
}

void join_rows(const std::vector<RowsOfPlanes>& parts, int channels, int width, float* out) {
    const size_t row_bytes = static_cast<size_t>(width) * sizeof(float);
    ptrdiff_t height = 0;
    for (const RowsOfPlanes& part : parts) height += part.height;
    const size_t plane = static_cast<size_t>(height) * width;
    parallel_for(static_cast<size_t>(channels), std::max<size_t>(1, kGrain / std::max<size_t>(1, plane)),
                 [&](size_t begin, size_t end) {
                     for (size_t c = begin; c < end; ++c) {
                         float* to = out + c * plane;
                         for (const RowsOfPlanes& part : parts) {
                             const float* from = part.data + static_cast<ptrdiff_t>(c) * part.plane_stride;
                             for (int y = 0; y < part.height; ++y, from += part.row_stride, to += width) {
                                 std::memcpy(to, from, row_bytes);
                             }
                         }
                     }
                 });
}

template <typename T>
void round_pixels(const float* x, ptrdiff_t plane_floats, int channels, size_t pixels, float top, T* out) {
    constexpr float kUnits = 8388608.0f;  // from here on floats are integers: adding it rounds
    parallel_for(pixels, kGrain, [&](size_t begin, size_t end) {
        for (int c = 0; c < channels; ++c) {
            const float* const plane = x + c * plane_floats;
            for (size_t i = begin; i < end; ++i) {
                float v = plane[i];
                v = v > 0.0f ? v : 0.0f;  // also what is no number
                v = (v < 1.0f ? v : 1.0f) * top;
                out[i * static_cast<size_t>(channels) + static_cast<size_t>(c)] = static_cast<T>((v + kUnits) - kUnits);
            }
        }
    });
}

template void round_pixels(const float*, ptrdiff_t, int, size_t, float, uint8_t*);
template void round_pixels(const float*, ptrdiff_t, int, size_t, float, uint16_t*);

void pixel_shuffle(const Planes& x, int r, float* out, ptrdiff_t out_plane) {
    const ptrdiff_t height = x.height, width = x.width;
    const size_t tasks = static_cast<size_t>(x.channels / (r * r)) * static_cast<size_t>(height);
    parallel_for(tasks, static_cast<size_t>(std::max<ptrdiff_t>(1, 4096 / (width * r))), [&](size_t begin, size_t end) {
        for (size_t task = begin; task < end; ++task) {
            const ptrdiff_t c = static_cast<ptrdiff_t>(task) / height, y = static_cast<ptrdiff_t>(task) % height;
            float* to = out + c * out_plane + y * r * width * r;
            for (int i = 0; i < r; ++i, to += width * r) {
                const float* from = x.data + (c * r + i) * r * x.plane + y * width;
                if (r == 2) {
                    interleave(from, from + x.plane, x.width, to);
                } else {  // results in order: they are what does not stay in cache
                    const float* next[kMostPhases];
                    for (int j = 0; j < r; ++j) next[j] = from + j * x.plane;
                    float* result = to;
                    for (ptrdiff_t k = 0; k < width; ++k) {
                        for (int j = 0; j < r; ++j) *result++ = next[j][k];
                    }
                }
            }
        }
    });
}

void pixel_unshuffle(const Planes& x, int r, float* out, ptrdiff_t out_plane) {
    const ptrdiff_t height = x.height / r, width = x.width / r;
    const size_t tasks = static_cast<size_t>(x.channels) * static_cast<size_t>(height);
    parallel_for(tasks, static_cast<size_t>(std::max<ptrdiff_t>(1, 4096 / (width * r))), [&](size_t begin, size_t end) {
        for (size_t task = begin; task < end; ++task) {
            const ptrdiff_t c = static_cast<ptrdiff_t>(task) / height, y = static_cast<ptrdiff_t>(task) % height;
            const float* from = x.data + c * x.plane + y * r * x.width;
            for (int i = 0; i < r; ++i, from += x.width) {
                for (int j = 0; j < r; ++j) {
                    float* to = out + ((c * r + i) * r + j) * out_plane + y * width;
                    for (ptrdiff_t k = 0; k < width; ++k) to[k] = from[k * r + j];
                }
            }
        }
    });
}

}  // namespace hpcm
