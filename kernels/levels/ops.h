// The function table of one instruction set. An area adds its own struct (gemm_ops.h, ...) as one member here and fills
// it in <area>_kernels.h, which level.h includes.
#pragma once

#include "bank_ops.h"
#include "elementwise_ops.h"
#include "gemm_ops.h"
#include "math_ops.h"
#include "rate_ops.h"
#include "trellis_ops.h"
#include "window_ops.h"
#include "wkv_ops.h"

namespace hpcm {

struct Ops {
    const char* name;
    int lanes;
    GemmOps gemm;
    WindowOps window;
    ElementwiseOps elementwise;
    MathOps math;
    RateOps rate;
    TrellisOps trellis;
    WkvOps wkv;
    BankOps bank;
};

}  // namespace hpcm
