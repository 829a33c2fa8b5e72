// The register-blocked product of gemm_ops.h for one instruction set.
#pragma once

#include "gemm_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

// Tile: kTileRows x 2 vectors of accumulators; enough independent chains to hide the latency of fma, few enough to stay
// in registers (16 on AVX2, 32 on AVX-512 and NEON).
constexpr int kVectors = 2;
#if defined(HPCM_SIMD_WASM)
constexpr int kTileRows = 4;  // of 16 registers of x86-64, engines need more than compilers do: 6 and 8 rows took longer
#else
constexpr int kTileRows = kLanes == 1 ? 4 : kLanes == 8 ? 6 : kLanes == 16 ? 12 : 8;
#endif
constexpr int kWidth = kVectors * kLanes;

inline F32 leaky(F32 v, F32 slope) { return select(less(splat(0.0f), v), v, v * slope); }

constexpr int kLine = 16;  // floats of a cache line

// Where outputs will be stored, and what is added to them: rows lie far apart, so that no hardware foresees them.
template <int rows>
inline void prefetch_rows(const float* from, ptrdiff_t stride, bool write) {
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < kWidth; j += kLine) {
            if (write) {
                HPCM_PREFETCH_WRITE(from + i * stride + j);
            } else {
                HPCM_PREFETCH(from + i * stride + j);
            }
        }
    }
}

// f(0), f(1), ... f(count - 1), written out: with constant indexes an array of accumulators stays in registers.
template <int count, typename Function>
HPCM_ALWAYS_INLINE void repeat(Function f) {
    if constexpr (count > 0) {
        repeat<count - 1>(f);
        f(count - 1);
    }
}

// The accumulators of `rows` x kWidth outputs.
template <int rows>
struct Tile {
    F32 at[rows][kVectors];

    // f(i, j) for each vector.
    template <typename Function>
    HPCM_ALWAYS_INLINE static void each(Function f) {
        repeat<rows>([&](int i) HPCM_INLINE_LAMBDA {
            repeat<kVectors>([&](int j) HPCM_INLINE_LAMBDA { f(i, j); });
        });
    }
};

#if defined(HPCM_WIDE_SUMS)
#include "gemm_wide.h"
#else
// acc += weights of the tile's rows times a panel, in index order. quick: of no use here.
template <int rows>
HPCM_ALWAYS_INLINE void accumulate(const float* w, ptrdiff_t weight_stride, int depth, const float* panel, bool, Tile<rows>& acc) {
    HPCM_UNROLL  // the loop's own instructions take time, and so do ends of it that are not foreseen
    for (int k = 0; k < depth; ++k, ++w, panel += kWidth) {
        F32 x[kVectors];
        repeat<kVectors>([&](int j) { x[j] = load(panel + j * kLanes); });
        repeat<rows>([&](int i) {
            const F32 wi = splat(w[i * weight_stride]);
            repeat<kVectors>([&](int j) { acc.at[i][j] = fma(wi, x[j], acc.at[i][j]); });
        });
    }
}

inline bool quick_chains(const GemmBlock&) { return true; }
#endif

// How many of the last vectors' lanes are there: kLanes for all but those at the right edge.
inline int lanes_of(int columns, int j) {
    const int left = columns - j * kLanes;
    return left < 0 ? 0 : left < kLanes ? left : kLanes;
}

// `whole`: all kWidth columns are there.
template <int rows, bool whole>
HPCM_ALWAYS_INLINE void multiply_columns(const GemmBlock& g, int row, const float* panel, float* out, const float* residual,
                                         int columns, bool quick) {
    const ptrdiff_t out_stride = g.out_stride, residual_stride = g.residual_stride, weight_stride = g.weight_stride;
    const auto read = [columns](const float* from, int j) {
        return whole ? load(from + j * kLanes) : load(from + j * kLanes, lanes_of(columns, j));
    };
    Tile<rows> acc;
    if (!g.first) {
        acc.each([&](int i, int j) { acc.at[i][j] = read(out + i * out_stride, j); });
    } else if (g.bias) {
        const float* bias = g.bias + row;
        acc.each([&](int i, int j) { acc.at[i][j] = splat(bias[i]); });
    } else {
        acc.each([&](int i, int j) { acc.at[i][j] = splat(0.0f); });
    }
    const float* w = g.weights + row * weight_stride;
    prefetch_rows<rows>(out, out_stride, true);
    if (g.last && residual) prefetch_rows<rows>(residual, residual_stride, false);
    accumulate<rows>(w, weight_stride, g.depth, panel, quick, acc);
    if (g.last) {
        const F32 zero = splat(0.0f), slope = splat(g.slope);
        acc.each([&](int i, int j) { acc.at[i][j] = acc.at[i][j] + zero; });
        if (g.leaky) acc.each([&](int i, int j) { acc.at[i][j] = leaky(acc.at[i][j], slope); });
        if (residual) {
            acc.each([&](int i, int j) { acc.at[i][j] = read(residual + i * residual_stride, j) + acc.at[i][j]; });
        }
    }
    acc.each([&](int i, int j) {
        float* to = out + i * out_stride + j * kLanes;
        if constexpr (whole) {
            store(to, acc.at[i][j]);
        } else {
            store(to, acc.at[i][j], lanes_of(columns, j));
        }
    });
}

template <int rows>
void multiply_tile(const GemmBlock& g, int row, const float* panel, float* out, const float* residual, int columns, bool quick) {
    if (columns >= kWidth) {
        multiply_columns<rows, true>(g, row, panel, out, residual, columns, quick);
    } else {
        multiply_columns<rows, false>(g, row, panel, out, residual, columns, quick);
    }
}

using TileFunction = void (*)(const GemmBlock&, int, const float*, float*, const float*, int, bool);

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

// Weights of the next tile, a share of them with every panel: rows lie far apart, so that no hardware foresees them.
inline void prefetch_weights(const GemmBlock& g, int row, int begin, int end) {
    const int last = g.rows < row + kTileRows ? g.rows : row + kTileRows;
    for (; row < last; ++row) {
        for (int k = begin; k < end; k += kLine) HPCM_PREFETCH_LATER(g.weights + row * g.weight_stride + k);
    }
}

// All panels meet one tile's weights before the next: those stay in the first-level cache while the panels stream past
// from the second, and every row of the output is written in one long run.
void multiply(const GemmBlock& g) {
    static const TileTable<kTileRows> table;
    const int panels = (g.columns + kWidth - 1) / kWidth;
    const bool quick = quick_chains(g);
    const int share = ((g.depth + panels - 1) / panels + kLine - 1) / kLine * kLine;
    for (int row = 0, rows; row < g.rows; row += rows) {
        rows = next_rows(g.rows - row);
        for (int column = 0, q = 0; column < g.columns; column += kWidth, ++q) {
            prefetch_weights(g, row + rows, q * share, (q + 1) * share < g.depth ? (q + 1) * share : g.depth);
            float* out = g.out + row * g.out_stride + q * g.out_panel_stride;
            const float* residual = g.residual ? g.residual + row * g.residual_stride + column : nullptr;
            table.entries[rows](g, row, g.panels + q * g.panel_stride, out, residual, g.columns - column, quick);
        }
    }
}

// Row by row: each is read in one long run.
void pack(const float* from, ptrdiff_t stride, int depth, int columns, float* panels, ptrdiff_t panel_stride) {
    for (int k = 0; k < depth; ++k, from += stride, panels += kWidth) {
        float* to = panels;
        int column = 0;
        for (; column + kWidth <= columns; column += kWidth, to += panel_stride) {
            repeat<kVectors>([&](int j) { store(to + j * kLanes, load(from + column + j * kLanes)); });
        }
        if (column < columns) {
            repeat<kVectors>([&](int j) {
                store(to + j * kLanes, load(from + column + j * kLanes, lanes_of(columns - column, j)));
            });
        }
    }
}

constexpr GemmOps kGemmOps = {kWidth, kTileRows, multiply, pack};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
