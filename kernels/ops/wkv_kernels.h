// The operations of wkv_ops.h for one instruction set.
#pragma once

#include "math_kernels.h"
#include "wkv_core.h"
#include "wkv_gradients.h"
#include "wkv_ops.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

inline void put_state(float* p, const WkvState& s) {
    store(p, s.m);
    store(p + kLanes, s.n);
    store(p + 2 * kLanes, s.d);
}

inline WkvState take_state(const float* p) { return {load(p), load(p + kLanes), load(p + 2 * kLanes)}; }

// First all chunks backwards, to know what follows each; then forwards, chunk by chunk.
void wkv_forward(const WkvSequence& s) {
    const int n = s.channels, chunks = (s.tokens + kWkvChunk - 1) / kWkvChunk;
    const F32 w = take(s.w, n), u = take(s.u, n);
    const auto k = [&](int t) { return take(s.k + t * s.stride, n); };
    const auto v = [&](int t) { return take(s.v + t * s.stride, n); };

    WkvState future = wkv_empty();
    for (int j = chunks - 1; j >= 0; --j) {
        put_state(s.borders + static_cast<ptrdiff_t>(j) * 3 * kLanes, future);
        if (j == 0) break;
        const int first = j * kWkvChunk, end = first + kWkvChunk < s.tokens ? first + kWkvChunk : s.tokens;
        WkvState own = wkv_empty();
        for (int t = end - 1; t >= first; --t) own = wkv_step(own, w, k(t), v(t));
        future = wkv_join(future, own, end - first, w);
    }

    WkvState past = wkv_empty(), after[kWkvChunk];
    for (int j = 0; j < chunks; ++j) {
        const int first = j * kWkvChunk, end = first + kWkvChunk < s.tokens ? first + kWkvChunk : s.tokens;
        after[end - 1 - first] = take_state(s.borders + static_cast<ptrdiff_t>(j) * 3 * kLanes);
        for (int t = end - 1; t > first; --t) after[t - 1 - first] = wkv_step(after[t - first], w, k(t), v(t));
        WkvState before = past, own = wkv_empty();
        for (int t = first; t < end; ++t) {
            const F32 key = k(t), value = v(t);
            put(s.y + t * s.stride, wkv_output(before, after[t - first], u, key, value), n);
            before = wkv_step(before, w, key, value);
            if (j + 1 < chunks) own = wkv_step(own, w, key, value);
        }
        if (j + 1 < chunks) past = wkv_join(past, own, end - first, w);
    }
}

// What wkv_gradients reads and writes.
struct WkvAccess {
    const WkvGradientSequence& s;

    F32 key(int t) const { return take(s.k + t * s.stride, s.channels); }
    F32 value(int t) const { return take(s.v + t * s.stride, s.channels); }
    F32 gradient(int t) const { return take(s.gy + t * s.stride, s.channels); }
    void keep(int slot, int t, F32 x) { store(s.kept + (static_cast<ptrdiff_t>(t) * kWkvSlots + slot) * kLanes, x); }
    F32 kept(int slot, int t) const { return load(s.kept + (static_cast<ptrdiff_t>(t) * kWkvSlots + slot) * kLanes); }
    void finish(int t, F32 of_key, F32 of_value) {
        put(s.gk + t * s.stride, of_key, s.channels);
        put(s.gv + t * s.stride, of_value, s.channels);
    }
};

void wkv_backward(const WkvGradientSequence& s) {
    WkvAccess access{s};
    const WkvSums sums = wkv_gradients(access, s.tokens, take(s.w, s.channels), take(s.u, s.channels));
    put(s.sum_w, sums.w, s.channels);
    put(s.sum_u, sums.u, s.channels);
}

constexpr WkvOps kWkvOps = {wkv_forward, wkv_backward};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
