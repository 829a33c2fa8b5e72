// Bidirectional WKV over sequences whose channels lie side by side.
#pragma once

#include <cstddef>

namespace hpcm {

// Up to `lanes` of the instruction set's channels of one sequence: token t of channel c is at [t * stride + c].
struct WkvSequence {
    const float *w, *u;  // by channel
    const float *k, *v;
    float* y;
    ptrdiff_t stride;
    int tokens, channels;
    float* borders;  // scratch, wkv_border_floats(tokens, lanes) floats
};

constexpr size_t wkv_border_floats(size_t tokens, size_t lanes) { return (tokens + 63) / 64 * 3 * lanes; }

// The same channels of a sequence whose outputs have the gradients gy. sum_w, sum_u get the sequence's shares.
struct WkvGradientSequence {
    const float *w, *u;
    const float *k, *v, *gy;
    float *gk, *gv;
    ptrdiff_t stride;
    int tokens, channels;
    float *sum_w, *sum_u;
    float* kept;  // scratch, wkv_kept_floats(tokens, lanes) floats
};

constexpr size_t wkv_kept_floats(size_t tokens, size_t lanes) { return 5 * tokens * lanes; }

struct WkvOps {
    void (*forward)(const WkvSequence&);
    void (*backward)(const WkvGradientSequence&);
};

}  // namespace hpcm
