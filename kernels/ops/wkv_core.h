// Bidirectional WKV: the arithmetic of one token, one chunk border, one output (FORMAT.md section 9.3), written once for
// processors and graphics cards. It is included where F32, splat and fma are defined: F32 is a vector of channels on a
// processor and one channel on a card.
//
// A state (m, n, d) stands for the weighted values n e^m and the weights d e^m of some tokens; nothing is ever subtracted
// and no exponent is positive.
#pragma once

#include "core_functions.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kWkvChunk = 64;  // tokens of a chunk: part of the format

struct WkvState {
    F32 m, n, d;
};

HPCM_FUNCTION WkvState wkv_empty() { return {minus_infinity(), splat(0.0f), splat(0.0f)}; }

// The state one token further on: what is in it decays by w, then (k, v) joins.
HPCM_FUNCTION WkvState wkv_step(const WkvState& s, F32 w, F32 k, F32 v) {
    const F32 shifted = s.m - w, m = larger(shifted, k);
    const F32 a = exp(shifted - m), b = exp(k - m);
    return {m, fma(a, s.n, b * v), fma(a, s.d, b)};
}

// `outer` seen from beyond a chunk of `length` tokens whose own state is `inner`.
HPCM_FUNCTION WkvState wkv_join(const WkvState& outer, const WkvState& inner, int length, F32 w) {
    const F32 shifted = fma(splat(-static_cast<float>(length)), w, outer.m), m = larger(shifted, inner.m);
    const F32 a = exp(shifted - m), b = exp(inner.m - m);
    return {m, fma(a, outer.n, b * inner.n), fma(a, outer.d, b * inner.d)};
}

// The output at a token with `past` before it and `future` after it.
HPCM_FUNCTION F32 wkv_output(const WkvState& past, const WkvState& future, F32 u, F32 k, F32 v) {
    const F32 own = u + k, top = larger(larger(past.m, future.m), own);
    const F32 a = exp(past.m - top), b = exp(future.m - top), c = exp(own - top);
    return fma(c, v, fma(b, future.n, a * past.n)) / (fma(b, future.d, a * past.d) + c);
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
