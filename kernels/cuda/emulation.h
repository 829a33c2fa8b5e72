// What wkv.cu uses of CUDA, for a host compiler: grid and blocks are loops, one thread after another. With it the source is
// tested where there is no graphics card. Kernels whose threads talk to each other within a launch cannot run so.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__

using cudaStream_t = void*;
using cudaError_t = int;
constexpr cudaError_t cudaSuccess = 0;

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __int_as_float(int a) {
    float result;
    std::memcpy(&result, &a, sizeof result);
    return result;
}

inline cudaError_t cudaGetDevice(int* device) {
    *device = 0;
    return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "no error"; }

struct Dim3 {
    unsigned x;
};
inline thread_local Dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace hpcm {

constexpr int64_t kMostBlocks = 3;  // few, so that threads have several tasks in small tests

template <typename Kernel, typename... Arguments>
void launch(Kernel kernel, unsigned blocks, unsigned threads, cudaStream_t, Arguments... arguments) {
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) kernel(arguments...);
    }
}

}  // namespace hpcm
