// Operations of the memory bank on whole planes, shared out over the threads. All arrays float32, dense, planar.
#pragma once

#include <cstddef>

#include "bank_ops.h"

namespace hpcm {

// x[channels, pixels]: every pixel's vector over its length.
void unit(const float* x, int channels, size_t pixels, float* out);

// What the block says, for all of its pixels.
void recall(const RecallBlock& block);

// k, v[channels, pixels] -> peak[channels], mass[channels], sums[channels, channels / heads]: of each key channel its
// largest value, the mean of p = exp(k - peak), and that of p v for each value channel of its head.
void summarise(const float* k, const float* v, int channels, size_t pixels, int heads, float* peak, float* mass, float* sums);

// The second summary joined to the first one, in place; width: value channels of a head.
void join_summaries(float* peak, float* mass, float* sums, const float* peak2, const float* mass2, const float* sums2,
                    int channels, int width);

}  // namespace hpcm
