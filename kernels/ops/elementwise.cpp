#include "elementwise.h"

#include <algorithm>

#include "dispatch.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr size_t kGrain = 32 * 1024;  // elements worth waking a thread for

}  // namespace

void leaky_relu(const float* x, size_t count, float slope, float* out) {
    const ElementwiseOps& each = ops().elementwise;
    parallel_for(count, kGrain, [&](size_t begin, size_t end) { each.leaky_relu(x + begin, end - begin, slope, out + begin); });
}

void add(const float* a, const float* b, size_t count, float* out) {
    const ElementwiseOps& each = ops().elementwise;
    parallel_for(count, kGrain, [&](size_t begin, size_t end) { each.add(a + begin, b + begin, end - begin, out + begin); });
}

void fma_each(const float* a, const float* b, const float* c, size_t count, float* out) {
    const ElementwiseOps& each = ops().elementwise;
    parallel_for(count, kGrain, [&](size_t begin, size_t end) {
        each.fma(a + begin, b + begin, c + begin, end - begin, out + begin);
    });
}

void scale_shift(const float* x, size_t channels, size_t pixels, const float* scale, const float* shift, float* out) {
    const ElementwiseOps& each = ops().elementwise;
    parallel_for(channels, std::max<size_t>(1, kGrain / pixels), [&](size_t begin, size_t end) {
        for (size_t c = begin; c < end; ++c) {
            if (shift) {
                each.scale_shift(x + c * pixels, pixels, scale[c], shift[c], out + c * pixels);
            } else {
                each.multiply(x + c * pixels, pixels, scale[c], out + c * pixels);
            }
        }
    });
}

void blend_rows(const float* weights, const float* rows, int count, size_t channels, float* out) {
    const ElementwiseOps& each = ops().elementwise;
    const size_t grain = std::max<size_t>(64, kGrain / static_cast<size_t>(count));
    parallel_for(channels, grain, [&](size_t begin, size_t end) {
        each.blend_rows(weights, rows + begin, channels, count, end - begin, out + begin);
    });
}

}  // namespace hpcm
