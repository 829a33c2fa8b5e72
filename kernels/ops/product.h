// Sharing one large product among threads and cache-sized slices.
#pragma once

#include <functional>

#include "buffer.h"
#include "gemm_ops.h"

namespace hpcm {

// Packs input channels first .. first + count of the task's pixels into panels.
using PackChannels = std::function<void(int first, int count, float* panels, ptrdiff_t panel_stride)>;

// Slice of input channels whose panels stay in the first-level cache, when each has this many taps.
int slice_channels(int channels, int taps);

// Runs block over all channels, slice by slice, packing each slice first. block.depth, panels, first and last are set here.
void multiply_sliced(const GemmOps& gemm, GemmBlock block, int channels, int taps, const PackChannels& pack);

// The same over panels that are packed already, `depth` rows each.
void multiply_packed(const GemmOps& gemm, GemmBlock block, int depth);

// Calls body(first_pixel, columns, first_output, outputs) in parallel for blocks that cover pixels x outputs.
void for_blocks(const GemmOps& gemm, int pixels, int outputs, const std::function<void(int, int, int, int)>& body);

}  // namespace hpcm
