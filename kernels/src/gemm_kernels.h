// The register-blocked product of gemm_ops.h for one instruction set.
#pragma once

#include "gemm_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

// Tile: kTileRows x 2 vectors of accumulators; enough independent chains to hide the latency of fma, few enough to stay
// in registers (16 on AVX2, 32 on AVX-512 and NEON).
constexpr int kVectors = 2;
constexpr int kTileRows = kLanes == 1 ? 4 : kLanes == 8 ? 6 : kLanes == 16 ? 12 : 8;
constexpr int kWidth = kVectors * kLanes;

inline F32 leaky(F32 v, F32 slope) { return select(less(splat(0.0f), v), v, v * slope); }

template <int rows>
void multiply_tile(const GemmBlock& g, int row, const float* panel, float* out, const float* residual, int columns) {
    F32 acc[rows][kVectors];
    const int full = columns >= kWidth;
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < kVectors; ++j) {
            const float* from = out + i * g.out_stride + j * kLanes;
            const int left = columns - j * kLanes;
            if (g.first) {
                acc[i][j] = splat(g.bias ? g.bias[row + i] : 0.0f);
            } else if (full) {
                acc[i][j] = load(from);
            } else {
                acc[i][j] = left > 0 ? load(from, left < kLanes ? left : kLanes) : splat(0.0f);
            }
        }
    }
    const float* w[rows];
    for (int i = 0; i < rows; ++i) w[i] = g.weights + (row + i) * g.weight_stride;
    for (int k = 0; k < g.depth; ++k) {
        F32 x[kVectors];
        for (int j = 0; j < kVectors; ++j) x[j] = load(panel + k * kWidth + j * kLanes);
        for (int i = 0; i < rows; ++i) {
            const F32 wi = splat(w[i][k]);
            for (int j = 0; j < kVectors; ++j) acc[i][j] = fma(wi, x[j], acc[i][j]);
        }
    }
    if (g.last) {
        const F32 zero = splat(0.0f), slope = splat(g.slope);
        for (int i = 0; i < rows; ++i) {
            for (int j = 0; j < kVectors; ++j) {
                F32 v = acc[i][j] + zero;
                if (g.leaky) v = leaky(v, slope);
                if (residual) {
                    const float* from = residual + i * g.residual_stride + j * kLanes;
                    const int left = columns - j * kLanes;
                    if (full) {
                        v = load(from) + v;
                    } else if (left > 0) {
                        v = load(from, left < kLanes ? left : kLanes) + v;
                    }
                }
                acc[i][j] = v;
            }
        }
    }
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < kVectors; ++j) {
            float* to = out + i * g.out_stride + j * kLanes;
            const int left = columns - j * kLanes;
            if (full) {
                store(to, acc[i][j]);
            } else if (left > 0) {
                store(to, acc[i][j], left < kLanes ? left : kLanes);
            }
        }
    }
}

using TileFunction = void (*)(const GemmBlock&, int, const float*, float*, const float*, int);

template <int rows>
struct TileTable : TileTable<rows - 1> {
    TileTable() { this->entries[rows] = multiply_tile<rows>; }
};
template <>
struct TileTable<0> {
    TileFunction entries[kTileRows + 1];
};

// Rows of the next tile: whole tiles, but the last two share the rest evenly, as thin tiles hide less latency.
inline int next_rows(int left) {
    if (left <= kTileRows) return left;
    return left >= 2 * kTileRows ? kTileRows : (left + 1) / 2;
}

// Rows of weights that stay in the second-level cache while all panels pass by; a panel stays in the first-level cache
// while it meets them.
constexpr int kBlockRows = 240 / kTileRows * kTileRows;

void multiply(const GemmBlock& g) {
    static const TileTable<kTileRows> table;
    for (int block = 0; block < g.rows; block += kBlockRows) {
        const int end = g.rows - block < kBlockRows ? g.rows : block + kBlockRows;
        for (int column = 0, q = 0; column < g.columns; column += kWidth, ++q) {
            for (int row = block, rows; row < end; row += rows) {
                rows = next_rows(end - row);
                float* out = g.out + row * g.out_stride + q * g.out_panel_stride;
                const float* residual = g.residual ? g.residual + row * g.residual_stride + column : nullptr;
                table.entries[rows](g, row, g.panels + q * g.panel_stride, out, residual, g.columns - column);
            }
        }
    }
}

void pack(const float* from, ptrdiff_t stride, int depth, int columns, float* panels, ptrdiff_t panel_stride) {
    for (int column = 0; column < columns; column += kWidth, panels += panel_stride) {
        for (int k = 0; k < depth; ++k) {
            for (int j = 0; j < kVectors; ++j) {
                const float* source = from + k * stride + column + j * kLanes;
                const int left = columns - column - j * kLanes;
                float* to = panels + k * kWidth + j * kLanes;
                if (left >= kLanes) {
                    store(to, load(source));
                } else {
                    store(to, left > 0 ? load(source, left) : splat(0.0f));
                }
            }
        }
    }
}

constexpr GemmOps kGemmOps = {kWidth, kTileRows, multiply, pack};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
