#include "bank.h"

#include <algorithm>
#include <vector>

#include "dispatch.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr size_t kGrain = 256;  // pixels of a task

}  // namespace

void unit(const float* x, int channels, size_t pixels, float* out) {
    const auto kernel = ops().bank.unit;
    parallel_for(pixels, kGrain, [&](size_t begin, size_t end) { kernel(x + begin, channels, pixels, end - begin, out + begin); });
}

void recall(const RecallBlock& block) {
    const auto kernel = ops().bank.recall;
    parallel_for(block.pixels, kGrain, [&](size_t begin, size_t end) {
        RecallBlock part = block;
        const float *keys[kMostEntries], *values[kMostEntries];
        const size_t shift = block.shared ? 0 : begin;
        for (int e = 0; e < block.entries; ++e) {
            keys[e] = block.keys[e] + shift;
            values[e] = block.values[e] + begin;
        }
        part.query += shift;
        part.out += begin;
        part.keys = keys;
        part.values = values;
        part.pixels = end - begin;
        kernel(part);
    });
}

void summarise(const float* k, const float* v, int channels, size_t pixels, int heads, float* peak, float* mass, float* sums) {
    const BankOps& kernels = ops().bank;
    const size_t chunks = (pixels + kSummaryChunk - 1) / kSummaryChunk, all = channels;
    const int width = channels / heads;
    std::vector<float> peaks(chunks * all), masses(chunks * all), products(chunks * all * width);
    parallel_for(chunks * heads, 4, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
            const size_t chunk = i / heads, first = i % heads * width, from = first * pixels + chunk * kSummaryChunk;
            const size_t to = chunk * all + first;
            const int positions = static_cast<int>(std::min<size_t>(kSummaryChunk, pixels - chunk * kSummaryChunk));
            kernels.summarise({k + from, v + from, pixels, positions, width, peaks.data() + to, masses.data() + to,
                               products.data() + to * width});
        }
    });
    const float positions = static_cast<float>(pixels);
    parallel_for(all, 32, [&](size_t begin, size_t end) {
        const int count = static_cast<int>(end - begin);
        float* const rows = sums + begin * width;
        std::copy_n(peaks.data() + begin, count, peak + begin);
        std::copy_n(masses.data() + begin, count, mass + begin);
        std::copy_n(products.data() + begin * width, static_cast<size_t>(count) * width, rows);
        for (size_t at = all + begin; at < chunks * all; at += all) {
            kernels.join(peak + begin, mass + begin, rows, peaks.data() + at, masses.data() + at, products.data() + at * width,
                         count, width);
        }
        for (int i = 0; i < count; ++i) mass[begin + i] = mass[begin + i] / positions;
        for (int i = 0; i < count * width; ++i) rows[i] = rows[i] / positions;
    });
}

void join_summaries(float* peak, float* mass, float* sums, const float* peak2, const float* mass2, const float* sums2,
                    int channels, int width) {
    const auto kernel = ops().bank.join;
    parallel_for(static_cast<size_t>(channels), static_cast<size_t>(channels), [&](size_t, size_t) {
        kernel(peak, mass, sums, peak2, mass2, sums2, channels, width);  // in a body for its floating-point state
    });
}

}  // namespace hpcm
