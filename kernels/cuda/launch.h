// Kernels with one task per thread, on a card or (HPCM_CUDA_EMULATION) in loops on the host.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(HPCM_CUDA_EMULATION)
#include "emulation.h"
#else
#include <cuda_runtime.h>

namespace hpcm {

constexpr int64_t kMostBlocks = 1 << 20;  // of a grid: with more tasks a thread does several

template <typename Kernel, typename... Arguments>
void launch(Kernel kernel, unsigned blocks, unsigned threads, cudaStream_t stream, Arguments... arguments) {
    kernel<<<blocks, threads, 0, stream>>>(arguments...);
}

}  // namespace hpcm
#endif

namespace hpcm {

constexpr unsigned kThreads = 128;  // of a block

// Runs kernel(tasks, arguments...), whose threads take every task_step()th task from first_task() on.
template <typename Kernel, typename... Arguments>
void launch_tasks(Kernel kernel, int64_t tasks, cudaStream_t stream, Arguments... arguments) {
    const int64_t blocks = (tasks + kThreads - 1) / kThreads;
    if (blocks == 0) return;
    launch(kernel, static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks), kThreads, stream, tasks, arguments...);
}

// The first task of this thread and the distance to its next one.
__device__ inline int64_t first_task() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t task_step() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// The card of the caller's pointers, for as long as this lives.
class DeviceGuard {
public:
    explicit DeviceGuard(int device) {
        status_ = cudaGetDevice(&before_);
        if (status_ == cudaSuccess && device != before_) status_ = cudaSetDevice(device);
    }
    ~DeviceGuard() { cudaSetDevice(before_); }
    DeviceGuard(const DeviceGuard&) = delete;
    DeviceGuard& operator=(const DeviceGuard&) = delete;
    bool ok() const { return status_ == cudaSuccess; }
    // The first error: of choosing the card, else of the launches since.
    int result() const { return static_cast<int>(ok() ? cudaGetLastError() : status_); }

private:
    int before_ = 0;
    cudaError_t status_;
};

}  // namespace hpcm
