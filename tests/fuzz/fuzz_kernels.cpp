// libFuzzer: every operation that decoders use, with shapes that fit its contract and nothing else. Inputs and outputs are
// exactly as large as they must be, so that the address sanitizer sees the first element beyond; and all levels of the
// processor must give the same bits.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "conv.h"
#include "dispatch.h"
#include "elementwise.h"
#include "fpenv.h"
#include "functions.h"
#include "selftest.h"
#include "thread_pool.h"

namespace {

using hpcm::Kernel;
using hpcm::Planes;
using Input = FuzzedDataProvider;

constexpr size_t kMaxWork = 3000000;  // multiplications: an execution is to take milliseconds

class Floats {
public:
    Floats(Input& input, size_t count, float shift = 0.0f) : Floats(count) {
        const float scale = input.ConsumeBool() ? 1.0f : 1e-20f;  // products become subnormal
        const std::vector<float> numbers = hpcm::selftest_numbers(count, input.ConsumeIntegral<uint32_t>(), scale, shift);
        std::copy(numbers.begin(), numbers.end(), data_.get());
    }
    explicit Floats(size_t count) : count_(count), data_(new float[count]) {}
    float* data() { return data_.get(); }
    size_t bytes() const { return count_ * sizeof(float); }

private:
    size_t count_;
    std::unique_ptr<float[]> data_;  // a block of its own, no longer than needed
};

// Calls the operation on every level with 1 or 3 threads; results must agree.
void compare(Input& input, size_t count, const std::function<void(float*)>& operation) {
    static const std::vector<std::string> levels = hpcm::available_levels();
    std::unique_ptr<Floats> first;
    const int threads = input.ConsumeBool() ? 3 : 1;
    for (const std::string& level : levels) {
        hpcm::set_simd_level(level);
        hpcm::set_threads(first ? threads : 1);
        auto out = std::make_unique<Floats>(count);
        std::memset(out->data(), 0xFF, out->bytes());
        operation(out->data());
        if (!first) {
            first = std::move(out);
        } else if (std::memcmp(first->data(), out->data(), first->bytes()) != 0) {
            std::abort();
        }
    }
}

struct Shape {
    explicit Shape(Input& input)
        : channels(input.ConsumeIntegralInRange(1, 40)), height(input.ConsumeIntegralInRange(1, 40)),
          width(input.ConsumeIntegralInRange(1, input.ConsumeBool() ? 40 : 300)) {}
    int channels, height, width;
    size_t pixels() const { return size_t(height) * width; }
    size_t count() const { return channels * pixels(); }
};

void convolution(Input& input, int kind) {
    const Shape s(input);
    const int outputs = input.ConsumeIntegralInRange(1, 40);
    Kernel k{input.ConsumeIntegralInRange(1, 7), input.ConsumeIntegralInRange(1, 7), input.ConsumeIntegralInRange(1, 5), 0};
    k.padding = input.ConsumeIntegralInRange(0, std::min(k.height, k.width) - 1);
    if (kind == 0) k = {1, 1, 1, 0};
    if (kind == 3) k.stride = 1;
    const auto extent = kind == 2 ? hpcm::conv_transpose_extent : hpcm::conv_extent;
    const long long rows = extent(s.height, k.height, k.stride, k.padding), columns = extent(s.width, k.width, k.stride, k.padding);
    const size_t taps = size_t(k.height) * k.width, channels = kind == 3 ? size_t(s.channels) : size_t(outputs);
    if (rows < 1 || columns < 1) return;  // the bindings refuse it
    if (channels * size_t(rows * columns) * taps * s.channels > kMaxWork) return;
    Floats x(input, s.count()), w(input, (kind == 3 ? 1 : outputs) * s.channels * taps), b(input, channels);
    const float* bias = input.ConsumeBool() ? b.data() : nullptr;
    const Planes planes{x.data(), s.channels, s.height, s.width};
    compare(input, channels * size_t(rows * columns), [&](float* out) {
        if (kind == 0) hpcm::conv1x1(planes, w.data(), bias, outputs, out);
        if (kind == 1) hpcm::conv2d(planes, w.data(), bias, outputs, k, out);
        if (kind == 2) hpcm::conv_transpose2d(planes, w.data(), bias, outputs, k, out);
        if (kind == 3) hpcm::depthwise(planes, w.data(), bias, k, out);
    });
}

void residual(Input& input, bool partial) {
    const Shape s(input);
    const size_t n = s.channels, hidden = input.ConsumeIntegralInRange(1, 60);
    const int spatial = partial ? input.ConsumeIntegralInRange(1, s.channels) : s.channels;
    const size_t weights = 9 * size_t(partial ? spatial * spatial : s.channels);
    if (s.pixels() * (weights + 2 * n * hidden) > kMaxWork) return;
    Floats x(input, s.count()), sw(input, weights), sb(input, spatial), ew(input, n * hidden), eb(input, hidden);
    Floats rw(input, n * hidden), rb(input, n);
    const hpcm::ResidualBlock block{sw.data(), sb.data(), spatial,   ew.data(), eb.data(), int(hidden),
                                    rw.data(), rb.data()};
    const Planes planes{x.data(), s.channels, s.height, s.width};
    compare(input, s.count(), [&](float* out) { partial ? hpcm::pconv_rb(planes, block, out) : hpcm::dwconv_rb(planes, block, out); });
}

void attention(Input& input) {
    const int window = input.ConsumeIntegralInRange(1, 12), heads = input.ConsumeIntegralInRange(1, 4);
    const int channels = heads * input.ConsumeIntegralInRange(1, 12), rows = input.ConsumeIntegralInRange(1, 3);
    const int columns = input.ConsumeIntegralInRange(1, 3), height = rows * window, width = columns * window;
    const size_t count = size_t(channels) * height * width;
    if (count * window * window > kMaxWork) return;
    Floats q(input, count), k(input, count), v(input, count);
    compare(input, count, [&](float* out) {
        hpcm::window_attention(q.data(), k.data(), v.data(), channels, height, width, window, heads, out);
    });
}

void rearranged(Input& input, int kind) {
    const Shape s(input);
    const int r = input.ConsumeIntegralInRange(1, 5);
    if (kind == 2) {
        const int height = (s.height + 15) / 16 * 16, width = (s.width + 15) / 16 * 16;
        Floats x(input, size_t(s.channels) * height * width), p(input, 256);
        compare(input, size_t(s.channels) * height * width,
                [&](float* out) { hpcm::lapped_filter({x.data(), s.channels, height, width}, p.data(), out); });
        return;
    }
    Floats x(input, s.count() * r * r);
    const auto function = kind == 0 ? hpcm::pixel_shuffle : hpcm::pixel_unshuffle;
    compare(input, s.count() * r * r, [&](float* out) { function(x.data(), s.channels, s.height, s.width, r, out); });
}

void wavelet(Input& input, bool forward) {
    const Shape s(input);
    const int height = (s.height + 1) / 2, width = (s.width + 1) / 2;
    if (forward) {
        Floats x(input, s.count());
        compare(input, size_t(4) * s.channels * height * width,
                [&](float* out) { hpcm::haar_dwt(x.data(), s.channels, s.height, s.width, out); });
    } else {
        Floats x(input, 4 * s.count());
        compare(input, 4 * s.count(),
                [&](float* out) { hpcm::haar_idwt(x.data(), s.channels, s.height, s.width, out); });
    }
}

void elements(Input& input, int kind) {
    const Shape s(input);
    const size_t channels = s.channels, pixels = s.pixels(), count = s.count();
    Floats x(input, count), y(input, count), z(input, count, 2.0f), scale(input, channels), shift(input, channels, 2.0f);
    static const hpcm::ElementFunction functions[] = {&hpcm::MathOps::exp, &hpcm::MathOps::sigmoid, &hpcm::MathOps::tanh,
                                                      &hpcm::MathOps::log, &hpcm::MathOps::log1p,   &hpcm::MathOps::sqrt};
    const int which = input.ConsumeIntegralInRange(0, 5);
    compare(input, kind == 6 ? 2 * count : kind == 5 ? pixels : count, [&](float* out) {
        if (kind == 0) hpcm::leaky_relu(x.data(), count, 0.01f, out);
        if (kind == 1) hpcm::add(x.data(), y.data(), count, out);
        if (kind == 2) hpcm::fma_each(x.data(), y.data(), z.data(), count, out);
        if (kind == 3) hpcm::scale_shift(x.data(), channels, pixels, scale.data(), which ? shift.data() : nullptr, out);
        if (kind == 4) hpcm::apply(functions[which], z.data(), count, out);
        if (kind == 5) hpcm::blend_rows(scale.data(), x.data(), s.channels, pixels, out);
        if (kind == 6) hpcm::signed_log_feature(x.data(), s.channels, pixels, shift.data(), out);
        if (kind == 7) hpcm::softmax(x.data(), s.channels, pixels, out);
        if (kind == 8) hpcm::layer_norm(x.data(), s.channels, pixels, scale.data(), shift.data(), 1e-5f, out);
    });
}

void indexes(Input& input) {
    const size_t count = input.ConsumeIntegralInRange<size_t>(0, 700);
    const int number = input.ConsumeIntegralInRange(1, 255);
    Floats scales(input, count), thresholds(input, number);
    std::sort(thresholds.data(), thresholds.data() + number);
    for (const std::string& level : hpcm::available_levels()) {
        hpcm::set_simd_level(level);
        std::unique_ptr<uint16_t[]> out(new uint16_t[count]);
        hpcm::scale_index(scales.data(), count, thresholds.data(), number, out.get());
        for (size_t i = 0; i < count; ++i) {
            const auto at = std::lower_bound(thresholds.data(), thresholds.data() + number, scales.data()[i]);
            if (out[i] != at - thresholds.data()) std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const hpcm::FpGuard guard;
    Input input(data, size);
    switch (const int kind = input.ConsumeIntegralInRange(0, 13)) {
        case 0: case 1: case 2: case 3: convolution(input, kind); break;
        case 4: case 5: residual(input, kind == 4); break;
        case 6: attention(input); break;
        case 7: case 8: case 9: rearranged(input, kind - 7); break;
        case 10: case 11: wavelet(input, kind == 10); break;
        case 12: elements(input, input.ConsumeIntegralInRange(0, 8)); break;
        default: indexes(input);
    }
    return 0;
}
