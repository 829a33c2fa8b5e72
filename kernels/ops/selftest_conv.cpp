#include "conv.h"
#include "elementwise.h"
#include "selftest.h"

namespace hpcm {
namespace {

// Channels, height, width, outputs: one pixel, one row, primes, sizes around the vectors, more than one slice of a sum.
struct Shape {
    int channels, height, width, outputs;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1}, {3, 1, 37, 5}, {7, 11, 13, 14}, {5, 4, 16, 25}, {2, 3, 33, 3}, {259, 2, 9, 7}};

using Numbers = std::vector<float>;

Numbers numbers(size_t count, uint32_t seed) {
    Numbers x = selftest_numbers(count, seed, 2.0f);
    for (size_t i = 0; i < count; i += 17) x[i] *= 0x1p-140f;  // subnormal
    for (size_t i = 5; i < count; i += 19) x[i] = -0.0f;
    return x;
}

Numbers numbers(int a, int b, uint32_t seed) { return numbers(static_cast<size_t>(a) * static_cast<size_t>(b), seed); }

void report_floats(const SelfTestReport& report, const char* name, const Numbers& values) {
    report(name, values.data(), values.size() * sizeof(float));
}

void dense(const SelfTestReport& report, const Shape& s) {
    const Numbers x = numbers(s.channels, s.height * s.width, 1), w = numbers(s.channels, s.outputs * 25, 2),
                  b = numbers(s.outputs, 1, 3);
    const Planes planes{x.data(), s.channels, s.height, s.width};
    Numbers out(static_cast<size_t>(s.outputs) * s.height * s.width);
    conv1x1(planes, w.data(), b.data(), s.outputs, out.data());
    report_floats(report, "conv1x1", out);
    for (const Kernel& k : {Kernel{3, 3, 1, 1}, Kernel{5, 5, 2, 2}, Kernel{3, 3, 3, 2}}) {
        const size_t height = conv_extent(s.height, k.height, k.stride, k.padding);
        const size_t width = conv_extent(s.width, k.width, k.stride, k.padding);
        out.assign(s.outputs * height * width, 0.0f);
        conv2d(planes, w.data(), b.data(), s.outputs, k, out.data());
        report_floats(report, "conv2d", out);
    }
    for (const Kernel& k : {Kernel{2, 2, 2, 0}, Kernel{4, 4, 2, 1}, Kernel{5, 5, 3, 1}}) {
        const size_t height = conv_transpose_extent(s.height, k.height, k.stride, k.padding);
        const size_t width = conv_transpose_extent(s.width, k.width, k.stride, k.padding);
        out.assign(s.outputs * height * width, 0.0f);
        conv_transpose2d(planes, w.data(), nullptr, s.outputs, k, out.data());
        report_floats(report, "conv_transpose2d", out);
    }
}

void blocks(const SelfTestReport& report, const Shape& s) {
    const int n = s.channels, partial = (n + 3) / 4, hidden = 2 * s.outputs;
    const Numbers x = numbers(n, s.height * s.width, 4), sw = numbers(partial * partial + n, 9, 5), sb = numbers(n, 1, 6),
                  ew = numbers(hidden, n, 7), eb = numbers(hidden, 1, 8), rw = numbers(n, hidden, 9), rb = numbers(n, 1, 10);
    const Planes planes{x.data(), n, s.height, s.width};
    const ResidualBlock block{sw.data(), sb.data(), partial, ew.data(), eb.data(), hidden, rw.data(), rb.data()};
    Numbers out(x.size());
    depthwise(planes, sw.data(), sb.data(), {3, 3, 1, 1}, out.data());
    report_floats(report, "depthwise", out);
    pconv_rb(planes, block, out.data());
    report_floats(report, "pconv_rb", out);
    dwconv_rb(planes, block, out.data());
    report_floats(report, "dwconv_rb", out);
}

void elements(const SelfTestReport& report, const Shape& s) {
    const size_t channels = s.channels, pixels = static_cast<size_t>(s.height) * s.width, count = channels * pixels;
    const Numbers a = numbers(count, 11), b = numbers(count, 12), c = numbers(count, 13);
    Numbers out(count), row(pixels);
    leaky_relu(a.data(), count, 0.01f, out.data());
    report_floats(report, "leaky_relu", out);
    add(a.data(), b.data(), count, out.data());
    report_floats(report, "add", out);
    fma_each(a.data(), b.data(), c.data(), count, out.data());
    report_floats(report, "fma", out);
    scale_shift(a.data(), channels, pixels, b.data(), c.data(), out.data());
    report_floats(report, "scale_shift", out);
    scale_shift(a.data(), channels, pixels, b.data(), nullptr, out.data());
    report_floats(report, "multiply_channels", out);
    blend_rows(b.data(), a.data(), s.channels, pixels, row.data());
    report_floats(report, "blend_rows", row);
}

void pixels(const SelfTestReport& report) {
    constexpr int kChannels = 2, kHeight = 48, kWidth = 80;
    const Numbers x = numbers(kChannels * kHeight, kWidth, 14), p = numbers(16, 16, 15);
    Numbers out(x.size()), back(x.size());
    lapped_filter({x.data(), kChannels, kHeight, kWidth}, p.data(), out.data());
    report_floats(report, "lapped_filter", out);
    pixel_unshuffle(x.data(), kChannels, kHeight / 4, kWidth / 4, 4, out.data());
    report_floats(report, "pixel_unshuffle", out);
    pixel_shuffle(out.data(), kChannels, kHeight / 4, kWidth / 4, 4, back.data());
    report_floats(report, "pixel_shuffle", back);
}

}  // namespace

void selftest_conv(const SelfTestReport& report) {
    for (const Shape& shape : kShapes) {
        dense(report, shape);
        blocks(report, shape);
        elements(report, shape);
    }
    pixels(report);
}

}  // namespace hpcm
