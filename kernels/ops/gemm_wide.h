// The sums of gemm_kernels.h in double, for a level whose fma is made of it (HPCM_WIDE_SUMS; simd_wasm_fma.h says why the bits are the
// same); a part of gemm_kernels.h.
#pragma once

// The chains of `rows` x kWidth outputs, laid out so, with the level's fma.
[[gnu::noinline]] void add_carefully(const float* w, ptrdiff_t weight_stride, int rows, int depth, const float* panel, float* sums) {
    for (int i = 0; i < rows; ++i, w += weight_stride) {
        for (int j = 0; j < kWidth; j += kLanes) {
            F32 sum = load(sums + i * kWidth + j);
            for (int k = 0; k < depth; ++k) sum = fma(splat(w[k]), load(panel + k * kWidth + j), sum);
            store(sums + i * kWidth + j, sum);
        }
    }
}

template <int rows>
[[gnu::noinline]] void accumulate(const float* w, ptrdiff_t weight_stride, int depth, const float* panel, bool quick, Tile<rows>& acc) {
    acc.each([&](int i, int j) { quick = quick && all_within(acc.at[i][j], kLeastStart, kMostStart); });
    if (quick) {
        Wide sums[rows][kVectors];
        I32 least = no_middle();
        acc.each([&](int i, int j) { sums[i][j] = widen(acc.at[i][j]); });
        const float *own = w, *from = panel;
        for (int k = 0; k < depth; ++k, ++own, from += kWidth) {
            Wide x[kVectors];
            repeat<kVectors>([&](int j) { x[j] = widen(from + j * kLanes); });
            repeat<rows>([&](int i) {
                const Wide wi = splat_wide(own[i * weight_stride]);
                repeat<kVectors>([&](int j) { add_product(sums[i][j], wi, x[j], least); });
            });
        }
        if (!HPCM_UNLIKELY(met_middle(least))) {
            acc.each([&](int i, int j) { acc.at[i][j] = narrow(sums[i][j]); });
            return;
        }
    }
    float all[rows * kWidth];
    acc.each([&](int i, int j) { store(all + i * kWidth + j * kLanes, acc.at[i][j]); });
    add_carefully(w, weight_stride, rows, depth, panel, all);
    acc.each([&](int i, int j) { acc.at[i][j] = load(all + i * kWidth + j * kLanes); });
}

inline bool usual_factors(const float* from, int count) {
    bool usual = true;
    int i = 0;
    for (; i + kLanes <= count && usual; i += kLanes) usual = all_within(load(from + i), kLeastFactor, kMostFactor);
    return usual && all_within(load(from + i, count - i), kLeastFactor, kMostFactor);
}

// Whether chains in double round as those in float do.
inline bool quick_chains(const GemmBlock& g) {
    bool usual = g.depth <= kMostSteps;
    for (int row = 0; row < g.rows && usual; ++row) usual = usual_factors(g.weights + row * g.weight_stride, g.depth);
    for (int column = 0, q = 0; column < g.columns && usual; column += kWidth, ++q) usual = usual_factors(g.panels + q * g.panel_stride, g.depth * kWidth);
    return usual;
}
