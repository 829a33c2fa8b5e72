// Dense convolutions. All arrays planar float32; out never overlaps the inputs.
#pragma once

namespace hpcm {

// out[O,pixels] = w[O,C] * x[C,pixels] + bias; bias may be null.
void conv1x1(const float* x, int channels, int pixels, const float* w, int outputs, const float* bias, float* out);

}  // namespace hpcm
