// Transcendental functions, normalisations over channels, and what else decides how a stream is read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hpcm {

// One head in one window: everything packed as [component][token], `stride` (a multiple of 16) floats per component, zeros
// beyond the last token.
struct AttentionHead {
    const float *q, *k, *v;
    float* out;
    float* scores;  // scratch, stride * 16 floats
    int tokens, components, stride;
    float scale;
};

struct MathOps {
    void (*exp)(const float* x, size_t count, float* out);
    void (*sigmoid)(const float* x, size_t count, float* out);
    void (*tanh)(const float* x, size_t count, float* out);
    void (*log)(const float* x, size_t count, float* out);
    void (*log1p)(const float* x, size_t count, float* out);
    void (*sqrt)(const float* x, size_t count, float* out);
    // m = log1p(|v| / s0); `signs` gets m with the sign of v, 0 for 0; `magnitudes` gets m.
    void (*log_features)(const float* v, size_t count, float s0, float* signs, float* magnitudes);
    // Over channels, `stride` floats apart, for `pixels` neighbouring pixels.
    void (*softmax)(const float* x, int channels, size_t stride, size_t pixels, float* out);
    void (*layer_norm)(const float* x, int channels, size_t stride, size_t pixels, const float* weight, const float* bias,
                       float eps, float* out);
    // Number of thresholds strictly below each scale.
    void (*scale_index)(const float* scales, size_t count, const float* thresholds, int number, uint16_t* out);
    void (*attend)(const AttentionHead&);
};

}  // namespace hpcm
