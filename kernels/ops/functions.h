// Functions of math_ops.h on whole arrays, shared out over the threads. All arrays float32, dense, planar.
#pragma once

#include <cstddef>
#include <cstdint>

#include "math_ops.h"

namespace hpcm {

using ElementFunction = void (*MathOps::*)(const float* x, size_t count, float* out);

// out[i] = function(x[i]), for instance apply(&MathOps::exp, x, count, out).
void apply(ElementFunction function, const float* x, size_t count, float* out);

// v[channels, pixels], s0[channels] -> out[2 channels, pixels]: signed, then unsigned log-magnitudes relative to s0.
void signed_log_feature(const float* v, int channels, size_t pixels, const float* s0, float* out);

// Over channels, for each pixel.
void softmax(const float* x, int channels, size_t pixels, float* out);
void layer_norm(const float* x, int channels, size_t pixels, const float* weight, const float* bias, float eps, float* out);

// Number of thresholds (rising) strictly below each scale. std::invalid_argument if a scale is NaN.
void scale_index(const float* scales, size_t count, const float* thresholds, int number, uint16_t* out);

// Attention of q over k, v inside window x window squares, channels = heads x components, e components per head:
// softmax over the keys of (q . k) * float(1 / sqrt(e)), times v. The last windows are clipped.
void window_attention(const float* q, const float* k, const float* v, int channels, int height, int width, int window,
                      int heads, float* out);

// x[C,H,W] -> [4C, ceil(H/2), ceil(W/2)]: LL, LH, HL, HH of every channel; an odd last row or column is repeated.
void haar_dwt(const float* x, int channels, int height, int width, float* out);

// bands[4C,H,W] -> [C,2H,2W], the exact inverse.
void haar_idwt(const float* bands, int channels, int height, int width, float* out);

}  // namespace hpcm
