// Included once by each simd_<level>.cpp: all kernels of one instruction set and their function table.
#pragma once

#include "simd.h"

#include "bank_kernels.h"
#include "elementwise_kernels.h"
#include "gemm_kernels.h"
#include "math_kernels.h"
#include "ops.h"
#include "rate_kernels.h"
#include "trellis_kernels.h"
#include "window_kernels.h"
#include "wkv_kernels.h"

#define HPCM_STRING_(x) #x
#define HPCM_STRING(x) HPCM_STRING_(x)

namespace hpcm {
namespace HPCM_LEVEL {

extern const Ops kOps;
const Ops kOps = {HPCM_STRING(HPCM_LEVEL), kLanes, kGemmOps, kWindowOps, kElementwiseOps, kMathOps, kRateOps, kTrellisOps, kWkvOps,
                  kBankOps};

}  // namespace HPCM_LEVEL
}  // namespace hpcm
