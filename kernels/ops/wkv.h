// Bidirectional WKV (linear attention of RWKV in both directions) on whole arrays, shared out over the threads.
#pragma once

namespace hpcm {

// w[C], u[C], k[B, T, C], v[B, T, C] -> y[B, T, C].
void wkv(const float* w, const float* u, const float* k, const float* v, int batch, int tokens, int channels, float* y);

// And gy[B, T, C], the gradients of y -> gw[C], gu[C], gk, gv[B, T, C]. The order of all sums is fixed.
void wkv_backward(const float* w, const float* u, const float* k, const float* v, const float* gy, int batch, int tokens,
                  int channels, float* gw, float* gu, float* gk, float* gv);

// k, v, y[C, H, W]: every window of rows x columns positions, aligned top left and clipped at the right and lower edge,
// is one sequence in raster order.
void wkv_windows(const float* w, const float* u, const float* k, const float* v, int channels, int height, int width,
                 int rows, int columns, float* y);

}  // namespace hpcm
