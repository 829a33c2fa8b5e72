// Bidirectional WKV on a graphics card: the arithmetic of kernels/ops/wkv_core.h, the same bits forwards. A plain shared
// library without torch: pointers to device memory and a stream come from the caller, errors go back as numbers.
//
// Neighbouring threads have neighbouring channels, so that every access is coalesced. Nothing is added atomically.
#include "launch.h"

#include "lane.h"

#include "wkv_core.h"
#include "wkv_gradients.h"

#define HPCM_EXPORT extern "C" __attribute__((visibility("default")))

namespace hpcm {
namespace cuda {
namespace {

constexpr int kGroup = 8;  // states held in registers; the rest is computed again from every eighth

struct Sequences {
    const float *w, *u, *k, *v;  // [C], [C], [B, T, C], [B, T, C]
    int64_t batch;
    int tokens, channels;

    __device__ int chunks() const { return (tokens + kWkvChunk - 1) / kWkvChunk; }
    __device__ int end_of(int chunk) const { return tokens - chunk * kWkvChunk < kWkvChunk ? tokens : (chunk + 1) * kWkvChunk; }
};

// One channel of one sequence, one of its chunks. Tasks are numbered [sequence][chunk][channel].
struct Lane {
    int64_t sequence;
    int chunk, channel;
    const float *k, *v;
    ptrdiff_t step;  // between tokens
    F32 w, u;

    __device__ Lane(const Sequences& s, int64_t task, int chunks)
        : sequence(task / s.channels / chunks), chunk(static_cast<int>(task / s.channels % chunks)),
          channel(static_cast<int>(task % s.channels)), k(s.k + offset(s)), v(s.v + offset(s)), step(s.channels),
          w{s.w[channel]}, u{s.u[channel]} {}
    __device__ ptrdiff_t offset(const Sequences& s) const { return sequence * s.tokens * s.channels + channel; }
    __device__ F32 key(int t) const { return {k[t * step]}; }
    __device__ F32 value(int t) const { return {v[t * step]}; }
    __device__ WkvState advance(const WkvState& state, int t) const { return wkv_step(state, w, key(t), value(t)); }
};

// The states at the chunks' borders: [direction][sequence][chunk][m, n, d][channel].
struct Borders {
    float* states;

    __device__ float* at(const Sequences& s, int direction, const Lane& lane, int chunk) const {
        return states + ((direction * s.batch + lane.sequence) * s.chunks() + chunk) * 3 * s.channels + lane.channel;
    }
    __device__ void put(const Sequences& s, int direction, const Lane& lane, int chunk, const WkvState& state) const {
        float* const p = at(s, direction, lane, chunk);
        p[0] = state.m.v;
        p[s.channels] = state.n.v;
        p[2 * static_cast<ptrdiff_t>(s.channels)] = state.d.v;
    }
    __device__ WkvState take(const Sequences& s, int direction, const Lane& lane, int chunk) const {
        const float* const p = at(s, direction, lane, chunk);
        return {{p[0]}, {p[s.channels]}, {p[2 * static_cast<ptrdiff_t>(s.channels)]}};
    }
};

// Every chunk's own states, as what comes after it and what comes before it will see them.
__global__ void chunk_states(int64_t tasks, Sequences s, Borders borders) {
    for (int64_t task = first_task(); task < tasks; task += task_step()) {
        const Lane lane(s, task, s.chunks());
        const int first = lane.chunk * kWkvChunk, end = s.end_of(lane.chunk);
        WkvState forward = wkv_empty(), backward = wkv_empty();
        for (int t = first; t < end; ++t) forward = lane.advance(forward, t);
        for (int t = end - 1; t >= first; --t) backward = lane.advance(backward, t);
        borders.put(s, 0, lane, lane.chunk, forward);
        borders.put(s, 1, lane, lane.chunk, backward);
    }
}

// In place: what lies before and after each chunk. A task: one channel of a sequence.
__global__ void join_chunks(int64_t tasks, Sequences s, Borders borders) {
    const int chunks = s.chunks();
    for (int64_t task = first_task(); task < tasks; task += task_step()) {
        const Lane lane(s, task, 1);
        for (int direction = 0; direction < 2; ++direction) {
            WkvState outer = wkv_empty();
            for (int i = 0; i < chunks; ++i) {
                const int chunk = direction == 0 ? i : chunks - 1 - i;
                const WkvState own = borders.take(s, direction, lane, chunk);
                borders.put(s, direction, lane, chunk, outer);
                outer = wkv_join(outer, own, s.end_of(chunk) - chunk * kWkvChunk, lane.w);
            }
        }
    }
}

// The outputs of a chunk: future states are computed backwards, every eighth kept, then again group by group.
__global__ void outputs(int64_t tasks, Sequences s, Borders borders, float* y) {
    const bool alone = s.chunks() == 1;
    for (int64_t task = first_task(); task < tasks; task += task_step()) {
        const Lane lane(s, task, s.chunks());
        const int first = lane.chunk * kWkvChunk, end = s.end_of(lane.chunk);
        WkvState past = alone ? wkv_empty() : borders.take(s, 0, lane, lane.chunk);
        WkvState future = alone ? wkv_empty() : borders.take(s, 1, lane, lane.chunk);
        WkvState marks[kWkvChunk / kGroup];  // what follows the last token of each group
        for (int t = end - 1; t >= first; --t) {
            const int place = t - first;
            if (place % kGroup == kGroup - 1 || t == end - 1) marks[place / kGroup] = future;
            future = lane.advance(future, t);
        }
        float* const out = y + lane.offset(s);
        for (int begin = first; begin < end; begin += kGroup) {
            const int count = end - begin < kGroup ? end - begin : kGroup;
            WkvState after[kGroup];
            after[count - 1] = marks[(begin - first) / kGroup];
            for (int i = count - 1; i > 0; --i) after[i - 1] = lane.advance(after[i], begin + i);
            for (int i = 0; i < count; ++i) {
                const int t = begin + i;
                out[t * lane.step] = wkv_output(past, after[i], lane.u, lane.key(t), lane.value(t)).v;
                past = lane.advance(past, t);
            }
        }
    }
}

// What wkv_gradients reads and writes.
struct Access {
    const Lane& lane;
    const float* gy;
    float *gk, *gv, *scratch;
    ptrdiff_t plane;  // floats of one slot

    __device__ F32 key(int t) const { return lane.key(t); }
    __device__ F32 value(int t) const { return lane.value(t); }
    __device__ F32 gradient(int t) const { return {gy[t * lane.step]}; }
    __device__ void keep(int slot, int t, F32 x) { scratch[slot * plane + t * lane.step] = x.v; }
    __device__ F32 kept(int slot, int t) const { return {scratch[slot * plane + t * lane.step]}; }
    __device__ void finish(int t, F32 of_key, F32 of_value) {
        gk[t * lane.step] = of_key.v;
        gv[t * lane.step] = of_value.v;
    }
};

// A task: one channel of a sequence. sums [2, B, C] get its shares of the gradients of w and u.
__global__ void backward(int64_t tasks, Sequences s, const float* gy, float* gk, float* gv, float* scratch, float* sums) {
    const ptrdiff_t plane = tasks * s.tokens;
    for (int64_t task = first_task(); task < tasks; task += task_step()) {
        const Lane lane(s, task, 1);
        const ptrdiff_t at = lane.offset(s);
        Access access{lane, gy + at, gk + at, gv + at, scratch + at, plane};
        const WkvSums found = wkv_gradients(access, s.tokens, lane.w, lane.u);
        sums[task] = found.w.v;
        sums[tasks + task] = found.u.v;
    }
}

// Over the sequences, in order. A task: one channel.
__global__ void add_sequences(int64_t tasks, Sequences s, const float* sums, float* gw, float* gu) {
    for (int64_t channel = first_task(); channel < tasks; channel += task_step()) {
        F32 w = splat(0.0f), u = splat(0.0f);
        for (int64_t i = 0; i < s.batch; ++i) {
            w = w + F32{sums[i * s.channels + channel]};
            u = u + F32{sums[(s.batch + i) * s.channels + channel]};
        }
        gw[channel] = w.v;
        gu[channel] = u.v;
    }
}

}  // namespace
}  // namespace cuda
}  // namespace hpcm

using namespace hpcm;

// Floats of device memory that hpcm_wkv_forward and hpcm_wkv_backward need.
HPCM_EXPORT int64_t hpcm_wkv_forward_scratch(int64_t batch, int tokens, int channels) {
    return tokens <= cuda::kWkvChunk ? 0 : 6 * batch * ((tokens + cuda::kWkvChunk - 1) / cuda::kWkvChunk) * channels;
}
HPCM_EXPORT int64_t hpcm_wkv_backward_scratch(int64_t batch, int tokens, int channels) {
    return (static_cast<int64_t>(cuda::kWkvSlots) * tokens + 2) * batch * channels;
}

HPCM_EXPORT const char* hpcm_error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

// w, u [C], k, v [B, T, C] -> y [B, T, C], all on `device`; 0 or the number of a CUDA error. Does not wait for the result.
HPCM_EXPORT int hpcm_wkv_forward(const float* w, const float* u, const float* k, const float* v, int64_t batch, int tokens,
                                 int channels, float* scratch, float* y, int device, cudaStream_t stream) {
    const DeviceGuard guard(device);
    if (!guard.ok()) return guard.result();
    const cuda::Sequences s{w, u, k, v, batch, tokens, channels};
    const cuda::Borders borders{scratch};
    const int64_t chunks = (tokens + cuda::kWkvChunk - 1) / cuda::kWkvChunk;
    if (chunks > 1) {
        launch_tasks(cuda::chunk_states, batch * chunks * channels, stream, s, borders);
        launch_tasks(cuda::join_chunks, batch * channels, stream, s, borders);
    }
    launch_tasks(cuda::outputs, batch * chunks * channels, stream, s, borders, y);
    return guard.result();
}

// And gy [B, T, C] -> gw, gu [C], gk, gv [B, T, C].
HPCM_EXPORT int hpcm_wkv_backward(const float* w, const float* u, const float* k, const float* v, const float* gy,
                                  int64_t batch, int tokens, int channels, float* scratch, float* gw, float* gu, float* gk,
                                  float* gv, int device, cudaStream_t stream) {
    const DeviceGuard guard(device);
    if (!guard.ok()) return guard.result();
    const cuda::Sequences s{w, u, k, v, batch, tokens, channels};
    float* const sums = scratch + cuda::kWkvSlots * batch * tokens * channels;
    launch_tasks(cuda::backward, batch * channels, stream, s, gy, gk, gv, scratch, sums);
    launch_tasks(cuda::add_sequences, static_cast<int64_t>(channels), stream, s, static_cast<const float*>(sums), gw, gu);
    return guard.result();
}
