// The operations of bank_ops.h for one instruction set.
#pragma once

#include "bank_ops.h"
#include "math_kernels.h"

namespace hpcm {
namespace HPCM_LEVEL {
namespace {

constexpr int kRun = 64;  // positions at a time: whole cache lines of every channel, sums in the first-level cache

using Run = float[kRun];

inline size_t run_length(size_t i, size_t pixels) { return pixels - i < kRun ? pixels - i : kRun; }

void unit(const float* x, int channels, size_t stride, size_t pixels, float* out) {
    for (size_t i = 0; i < pixels; i += kRun) {
        const size_t count = run_length(i, pixels);
        Run length = {};
        for (int c = 0; c < channels; ++c) {
            for (size_t j = 0; j < count; j += kLanes) {
                const F32 v = take(x + c * stride + i + j, lanes_left(j, count));
                store(length + j, fma(v, v, load(length + j)));
            }
        }
        for (int j = 0; j < kRun; j += kLanes) store(length + j, sqrt(larger(load(length + j), splat(1e-12f))));
        for (int c = 0; c < channels; ++c) {
            for (size_t j = 0; j < count; j += kLanes) {
                const int n = lanes_left(j, count);
                const size_t at = c * stride + i + j;
                put(out + at, take(x + at, n) / load(length + j), n);
            }
        }
    }
}

inline void score_entries(const RecallBlock& b, size_t i, size_t count, Run* scores) {
    for (int e = 0; e < b.entries; ++e) {
        for (int j = 0; j < kRun; j += kLanes) store(scores[e] + j, splat(0.0f));
    }
    for (int c = 0; c < b.components; ++c) {
        for (int e = 0; e < b.entries; ++e) {
            for (size_t j = 0; j < count; j += kLanes) {
                const int n = lanes_left(j, count);
                const size_t at = c * b.stride + i + j;
                const F32 q = b.shared ? splat(b.query[c]) : take(b.query + at, n);
                const F32 key = b.shared ? splat(b.keys[e][c]) : take(b.keys[e] + at, n);
                store(scores[e] + j, fma(q, key, load(scores[e] + j)));
            }
        }
    }
}

// Slots as floats, best first; strict comparison while going up keeps the earlier one of equals.
inline void choose_entries(const RecallBlock& b, const Run* scores, Run* slots, Run* weights) {
    const F32 least = minus_infinity(), sharpness = splat(1.0f) / splat(b.temperature);
    for (int j = 0; j < kRun; j += kLanes) {
        F32 left[kMostEntries], top = least, total = splat(0.0f);
        for (int e = 0; e < b.entries; ++e) left[e] = load(scores[e] + j);
        for (int r = 0; r < b.topk; ++r) {
            F32 best = least, slot = splat(0.0f);
            for (int e = 0; e < b.entries; ++e) {
                const Mask better = less(best, left[e]);
                best = select(better, left[e], best);
                slot = select(better, splat(static_cast<float>(e)), slot);
            }
            for (int e = 0; e < b.entries; ++e) {
                left[e] = select(equal(slot, splat(static_cast<float>(e))), least, left[e]);
            }
            if (r == 0) top = best;
            const F32 p = exp((best - top) * sharpness);
            total = r == 0 ? p : total + p;
            store(slots[r] + j, slot);
            store(weights[r] + j, p);
        }
        for (int r = 0; r < b.topk; ++r) store(weights[r] + j, load(weights[r] + j) / total);
    }
}

inline void mix_values(const RecallBlock& b, size_t i, size_t count, const Run* slots, const Run* weights) {
    for (int c = 0; c < b.width; ++c) {
        for (size_t j = 0; j < count; j += kLanes) {
            const int n = lanes_left(j, count);
            const size_t at = c * b.stride + i + j;
            F32 value[kMostEntries], sum = splat(0.0f);
            for (int e = 0; e < b.entries; ++e) value[e] = take(b.values[e] + at, n);
            for (int r = 0; r < b.topk; ++r) {
                const F32 slot = load(slots[r] + j);
                F32 chosen = value[0];
                for (int e = 1; e < b.entries; ++e) {
                    chosen = select(equal(slot, splat(static_cast<float>(e))), value[e], chosen);
                }
                sum = fma(load(weights[r] + j), chosen, sum);
            }
            put(b.out + at, sum, n);
        }
    }
}

void recall(const RecallBlock& b) {
    Run scores[kMostEntries], slots[kMostEntries], weights[kMostEntries];
    for (size_t i = 0; i < b.pixels; i += kRun) {
        const size_t count = run_length(i, b.pixels);
        score_entries(b, i, count, scores);
        choose_entries(b, scores, slots, weights);
        mix_values(b, i, count, slots, weights);
    }
}

// Lanes are channels: a sum over positions is one lane's, in their order.
void summarise(const SummaryBlock& b) {
    float keys[kSummaryChunk][kMostHeadChannels] = {}, values[kSummaryChunk][kMostHeadChannels] = {};
    for (int c = 0; c < b.channels; ++c) {
        for (int i = 0; i < b.positions; ++i) {
            keys[i][c] = b.k[c * b.stride + i];
            values[i][c] = b.v[c * b.stride + i];
        }
    }
    for (int c = 0; c < b.channels; c += kLanes) {
        const int n = lanes_left(c, b.channels);
        F32 peak = load(keys[0] + c), mass = splat(0.0f);
        for (int i = 1; i < b.positions; ++i) peak = larger(peak, load(keys[i] + c));
        for (int i = 0; i < b.positions; ++i) {
            const F32 p = exp(load(keys[i] + c) - peak);
            mass = mass + p;
            store(keys[i] + c, p);
        }
        put(b.peak + c, peak, n);
        put(b.mass + c, mass, n);
    }
    constexpr int kRows = 4;
    for (int f = 0; f < b.channels; f += kLanes) {
        const int n = lanes_left(f, b.channels);
        for (int c = 0; c < b.channels; c += kRows) {  // rows beyond the last channel are computed and dropped
            F32 acc[kRows];
            chains(keys[0] + c, 1, kMostHeadChannels, values[0] + f, kMostHeadChannels, b.positions, acc);
            for (int r = 0; r < kRows && c + r < b.channels; ++r) put(b.sums + (c + r) * b.channels + f, acc[r], n);
        }
    }
}

void join(float* peak, float* mass, float* sums, const float* peak2, const float* mass2, const float* sums2, int channels,
          int width) {
    for (int c = 0; c < channels; c += kLanes) {
        const int n = lanes_left(c, channels);
        const F32 first = take(peak + c, n), second = take(peak2 + c, n), top = larger(first, second);
        const F32 a = exp(first - top), b = exp(second - top);
        put(mass + c, fma(a, take(mass + c, n), b * take(mass2 + c, n)), n);
        put(peak + c, top, n);
        float kept[kLanes], added[kLanes];
        store(kept, a);
        store(added, b);
        for (int i = 0; i < n; ++i) {
            float* row = sums + static_cast<size_t>(c + i) * width;
            const float* row2 = sums2 + static_cast<size_t>(c + i) * width;
            for (int f = 0; f < width; f += kLanes) {
                const int m = lanes_left(f, width);
                put(row + f, fma(splat(kept[i]), take(row + f, m), splat(added[i]) * take(row2 + f, m)), m);
            }
        }
    }
}

constexpr BankOps kBankOps = {unit, recall, summarise, join};

}  // namespace
}  // namespace HPCM_LEVEL
}  // namespace hpcm
