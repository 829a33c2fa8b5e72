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

struct WkvOps {
    void (*forward)(const WkvSequence&);
};

}  // namespace hpcm
