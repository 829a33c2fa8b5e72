// The memory bank: what is alike among its entries, and summaries of keys and values for linear attention.
#pragma once

#include <cstddef>

namespace hpcm {

constexpr int kMostEntries = 8;  // of a bank
constexpr int kSummaryChunk = 64, kMostHeadChannels = 64;

// Neighbouring positions of planes whose channels are `stride` floats apart. Where queries and keys are of one position for
// all (`shared`), they are [components].
struct RecallBlock {
    const float* query;
    const float* const* keys;
    const float* const* values;
    float* out;
    int entries, topk, components, width;  // width: channels of a value; topk at most entries, these at most kMostEntries
    size_t stride, pixels;
    bool shared;
    float temperature;
};

// One head and up to kSummaryChunk neighbouring positions; key and value channels are `stride` floats apart.
struct SummaryBlock {
    const float *k, *v;
    size_t stride;
    int positions, channels;  // channels: of the head, at most kMostHeadChannels
    float *peak, *mass, *sums;  // [channels], [channels], [key channel][value channel]
};

struct BankOps {
    // Every pixel's vector over its length, the squared length being at least 1e-12.
    void (*unit)(const float* x, int channels, size_t stride, size_t pixels, float* out);
    void (*recall)(const RecallBlock&);
    void (*summarise)(const SummaryBlock&);
    // The second summary of `channels` key channels and `width` value channels, joined to the first one.
    void (*join)(float* peak, float* mass, float* sums, const float* peak2, const float* mass2, const float* sums2,
                 int channels, int width);
};

}  // namespace hpcm
