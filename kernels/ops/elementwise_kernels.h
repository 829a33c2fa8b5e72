// The operations of elementwise_ops.h for one instruction set.
#pragma once

#include "elementwise_ops.h"
#include "gemm_kernels.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

// Calls whole(i) for full vectors and part(i, n) for the rest.
template <typename Whole, typename Part>
inline void for_vectors(size_t count, Whole whole, Part part) {
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) whole(i);
    if (i < count) part(i, static_cast<int>(count - i));
}

template <typename Function>
inline void map(const float* x, size_t count, float* out, Function function) {
    for_vectors(
        count, [&](size_t i) { store(out + i, function(load(x + i))); },
        [&](size_t i, int n) { store(out + i, function(load(x + i, n)), n); });
}

void leaky_relu(const float* x, size_t count, float slope, float* out) {
    const F32 slopes = splat(slope);
    map(x, count, out, [=](F32 v) { return leaky(v, slopes); });
}

void scale_shift(const float* x, size_t count, float scale, float shift, float* out) {
    const F32 a = splat(scale), b = splat(shift);
    map(x, count, out, [=](F32 v) { return fma(v, a, b); });
}

void multiply_by(const float* x, size_t count, float scale, float* out) {
    const F32 a = splat(scale);
    map(x, count, out, [=](F32 v) { return v * a; });
}

void add(const float* a, const float* b, size_t count, float* out) {
    for_vectors(
        count, [&](size_t i) { store(out + i, load(a + i) + load(b + i)); },
        [&](size_t i, int n) { store(out + i, load(a + i, n) + load(b + i, n), n); });
}

void fma_each(const float* a, const float* b, const float* c, size_t count, float* out) {
    for_vectors(
        count, [&](size_t i) { store(out + i, fma(load(a + i), load(b + i), load(c + i))); },
        [&](size_t i, int n) { store(out + i, fma(load(a + i, n), load(b + i, n), load(c + i, n)), n); });
}

void blend_rows(const float* weights, const float* rows, size_t stride, int count, size_t channels, float* out) {
    for_vectors(
        channels,
        [&](size_t i) {
            F32 acc = splat(0.0f);
            for (int a = 0; a < count; ++a) acc = fma(splat(weights[a]), load(rows + a * stride + i), acc);
            store(out + i, acc);
        },
        [&](size_t i, int n) {
            F32 acc = splat(0.0f);
            for (int a = 0; a < count; ++a) acc = fma(splat(weights[a]), load(rows + a * stride + i, n), acc);
            store(out + i, acc, n);
        });
}

constexpr ElementwiseOps kElementwiseOps = {leaky_relu, scale_shift, multiply_by, add, fma_each, blend_rows};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
