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

// What an operand gives at element i, n elements of it: its own ones, or the same one.
struct Each {
    const float* p;
    F32 operator()(size_t i) const { return load(p + i); }
    F32 operator()(size_t i, int n) const { return load(p + i, n); }
};
struct Same {
    F32 v;
    F32 operator()(size_t) const { return v; }
    F32 operator()(size_t, int) const { return v; }
};

template <typename Function, typename... Operands>
inline void combine(size_t count, float* out, Function function, Operands... x) {
    for_vectors(
        count, [&](size_t i) { store(out + i, function(x(i)...)); },
        [&](size_t i, int n) { store(out + i, function(x(i, n)...), n); });
}

struct Add {
    F32 operator()(F32 a, F32 b) const { return a + b; }
};
struct Subtract {
    F32 operator()(F32 a, F32 b) const { return a - b; }
};
struct Multiply {
    F32 operator()(F32 a, F32 b) const { return a * b; }
};
struct Divide {
    F32 operator()(F32 a, F32 b) const { return a / b; }
};
struct Maximum {
    F32 operator()(F32 a, F32 b) const { return select(less(b, a), a, b); }
};
struct MultiplyAdd {
    F32 operator()(F32 a, F32 b, F32 c) const { return fma(a, b, c); }
};

template <typename Function>
void binary(const float* a, bool each_a, const float* b, bool each_b, size_t count, float* out) {
    if (each_a && each_b) {
        combine(count, out, Function(), Each{a}, Each{b});
    } else if (each_a) {
        combine(count, out, Function(), Each{a}, Same{splat(*b)});
    } else if (each_b) {
        combine(count, out, Function(), Same{splat(*a)}, Each{b});
    } else {
        combine(count, out, Function(), Same{splat(*a)}, Same{splat(*b)});
    }
}

template <typename A, typename B>
inline void fma_third(A a, B b, const float* c, bool each, size_t count, float* out) {
    if (each) {
        combine(count, out, MultiplyAdd(), a, b, Each{c});
    } else {
        combine(count, out, MultiplyAdd(), a, b, Same{splat(*c)});
    }
}

void fma_mixed(const float* const* from, const bool* each, size_t count, float* out) {
    if (count == 0) return;
    if (each[0] && each[1]) {
        fma_third(Each{from[0]}, Each{from[1]}, from[2], each[2], count, out);
    } else if (each[0] || each[1]) {  // factors may change places
        fma_third(Each{from[each[0] ? 0 : 1]}, Same{splat(*from[each[0] ? 1 : 0])}, from[2], each[2], count, out);
    } else {
        fma_third(Same{splat(*from[0])}, Same{splat(*from[1])}, from[2], each[2], count, out);
    }
}

void absolute_each(const float* x, size_t count, float* out) {
    map(x, count, out, [](F32 v) { return absolute(v); });
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

constexpr ElementwiseOps kElementwiseOps = {
    leaky_relu, scale_shift, multiply_by, add, fma_each,
    {binary<Add>, binary<Subtract>, binary<Multiply>, binary<Divide>, binary<Maximum>},
    fma_mixed, absolute_each, blend_rows};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
