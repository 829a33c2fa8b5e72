// Gradients of bidirectional WKV: the arithmetic of one sequence, written once for processors and graphics cards. Included
// after wkv_core.h. Not normative: no decoder needs it; but the same order of operations everywhere, no atomics.
#pragma once

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kWkvSlots = 5;  // numbers that are kept per token

// A state together with its derivatives by the decay.
struct WkvSlope {
    WkvState state;
    F32 n, d;
};

HPCM_FUNCTION WkvSlope wkv_flat() { return {wkv_empty(), splat(0.0f), splat(0.0f)}; }

// wkv_step and its derivatives.
HPCM_FUNCTION WkvSlope wkv_slope_step(const WkvSlope& s, F32 w, F32 k, F32 v) {
    const F32 shifted = s.state.m - w, m = larger(shifted, k), a = exp(shifted - m), b = exp(k - m);
    return {{m, fma(a, s.state.n, b * v), fma(a, s.state.d, b)}, a * (s.n - s.state.n), a * (s.d - s.state.d)};
}

// One more output that reads what lies on this side of it: m, n, d are then its key, q and q y.
HPCM_FUNCTION WkvState wkv_absorb(const WkvState& s, F32 w, F32 key, F32 q, F32 qy) {
    const F32 shifted = s.m - w, m = larger(shifted, key), a = exp(shifted - m), b = exp(key - m);
    return {m, fma(a, s.n, b * q), fma(a, s.d, b * qy)};
}

struct WkvSums {
    F32 w, u;  // of one sequence
};

// p_ti being token i's share of output t and g the gradients of the outputs: of v_i, sum over t of g_t p_ti; of k_i, the
// sum of g_t p_ti (v_i - y_t). Seen from i these are scans over the outputs with the keys -top_t, which need no exponent
// above 0. `access` reads key(t), value(t), gradient(t), takes finish(t, of k, of v) and keeps kWkvSlots numbers a token.
template <typename Access>
HPCM_FUNCTION WkvSums wkv_gradients(Access& access, int tokens, F32 w, F32 u) {
    WkvSlope future = wkv_flat();
    for (int t = tokens - 1; t >= 0; --t) {
        access.keep(0, t, future.state.m);
        access.keep(1, t, future.state.n);
        access.keep(2, t, future.state.d);
        access.keep(3, t, future.n);
        access.keep(4, t, future.d);
        future = wkv_slope_step(future, w, access.key(t), access.value(t));
    }
    WkvSums sums{splat(0.0f), splat(0.0f)};
    WkvSlope past = wkv_flat();
    WkvState readers = wkv_empty();
    for (int t = 0; t < tokens; ++t) {
        const F32 k = access.key(t), v = access.value(t), own = u + k;
        const WkvState after{access.kept(0, t), access.kept(1, t), access.kept(2, t)};
        const F32 top = larger(larger(past.state.m, after.m), own);
        const F32 a = exp(past.state.m - top), b = exp(after.m - top), c = exp(own - top);
        const F32 weight = fma(b, after.d, a * past.state.d) + c;
        const F32 y = fma(c, v, fma(b, after.n, a * past.state.n)) / weight, q = access.gradient(t) / weight;
        const F32 self = q * c * (v - y), e = exp(k + readers.m), qy = q * y;
        sums.w = sums.w + q * (a * (past.n - y * past.d) + b * (access.kept(3, t) - y * access.kept(4, t)));
        sums.u = sums.u + self;
        access.keep(0, t, negate(top));
        access.keep(1, t, q);
        access.keep(2, t, qy);
        access.keep(3, t, fma(e, readers.n * v - readers.d, self));
        access.keep(4, t, fma(e, readers.n, q * c));
        readers = wkv_absorb(readers, w, negate(top), q, qy);
        past = wkv_slope_step(past, w, k, v);
    }
    readers = wkv_empty();
    for (int t = tokens - 1; t >= 0; --t) {
        const F32 e = exp(access.key(t) + readers.m);
        access.finish(t, fma(e, readers.n * access.value(t) - readers.d, access.kept(3, t)),
                      fma(e, readers.n, access.kept(4, t)));
        readers = wkv_absorb(readers, w, access.kept(0, t), access.kept(1, t), access.kept(2, t));
    }
    return sums;
}

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
