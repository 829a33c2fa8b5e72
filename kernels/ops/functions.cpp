#include "functions.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "dispatch.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr size_t kGrain = 8192;  // elements of a task

}  // namespace

void apply(ElementFunction function, const float* x, size_t count, float* out) {
    const auto kernel = ops().math.*function;
    parallel_for(count, kGrain, [&](size_t begin, size_t end) { kernel(x + begin, end - begin, out + begin); });
}

void signed_log_feature(const float* v, int channels, size_t pixels, const float* s0, float* out) {
    const auto kernel = ops().math.log_features;
    float* const magnitudes = out + static_cast<size_t>(channels) * pixels;
    parallel_for(static_cast<size_t>(channels), std::max<size_t>(1, kGrain / pixels), [&](size_t begin, size_t end) {
        for (size_t c = begin; c < end; ++c) kernel(v + c * pixels, pixels, s0[c], out + c * pixels, magnitudes + c * pixels);
    });
}

void softmax(const float* x, int channels, size_t pixels, float* out) {
    const auto kernel = ops().math.softmax;
    parallel_for(pixels, 64, [&](size_t begin, size_t end) { kernel(x + begin, channels, pixels, end - begin, out + begin); });
}

void layer_norm(const float* x, int channels, size_t pixels, const float* weight, const float* bias, float eps, float* out) {
    const auto kernel = ops().math.layer_norm;
    parallel_for(pixels, 64, [&](size_t begin, size_t end) {
        kernel(x + begin, channels, pixels, end - begin, weight, bias, eps, out + begin);
    });
}

void scale_index(const float* scales, size_t count, const float* thresholds, int number, uint16_t* out) {
    const auto kernel = ops().math.scale_index;
    std::atomic<bool> valid{true};
    parallel_for(count, kGrain, [&](size_t begin, size_t end) {
        bool good = true;
        for (size_t i = begin; i < end; ++i) good &= scales[i] == scales[i];
        if (!good) valid = false;
        kernel(scales + begin, end - begin, thresholds, number, out + begin);
    });
    if (!valid) throw std::invalid_argument("scale holds a value that is not a number");
}

}  // namespace hpcm
