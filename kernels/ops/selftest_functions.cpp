#include <limits>

#include "functions.h"
#include "rans.h"
#include "selftest.h"
#include "trellis.h"

namespace hpcm {
namespace {

void report_floats(const SelfTestReport& report, const char* name, const std::vector<float>& values) {
    report(name, values.data(), values.size() * sizeof(float));
}

// All magnitudes, both signs, and what is special.
std::vector<float> arguments() {
    std::vector<float> x = selftest_numbers(4001, 1, 90.0f);
    for (const float scale : {1e-30f, 1e-6f, 1e-3f, 1.0f, 4.0f, 1e4f, 1e30f}) {
        const std::vector<float> more = selftest_numbers(500, 2, scale);
        x.insert(x.end(), more.begin(), more.end());
    }
    const float infinity = std::numeric_limits<float>::infinity();
    x.insert(x.end(), {0.0f, -0.0f, 0x1p-149f, -0x1p-149f, 0x1p-126f, infinity, -infinity, 0.625f, 88.0f, -86.0f,
                       std::numeric_limits<float>::quiet_NaN()});
    return x;
}

void elements(const SelfTestReport& report) {
    const std::vector<float> x = arguments();
    std::vector<float> out(x.size());
    const struct {
        const char* name;
        ElementFunction function;
    } cases[] = {{"exp", &MathOps::exp}, {"sigmoid", &MathOps::sigmoid}, {"tanh", &MathOps::tanh},
                 {"log", &MathOps::log}, {"log1p", &MathOps::log1p},     {"sqrt", &MathOps::sqrt}};
    for (const auto& c : cases) {
        apply(c.function, x.data(), x.size(), out.data());
        report_floats(report, c.name, out);
    }
}

void channels(const SelfTestReport& report) {
    constexpr int kChannels = 37, kPixels = 83;
    const std::vector<float> x = selftest_numbers(kChannels * kPixels, 3, 9.0f), weight = selftest_numbers(kChannels, 4, 2.0f),
                             bias = selftest_numbers(kChannels, 5, 1.0f), s0 = selftest_numbers(kChannels, 6, 1.0f, 1.5f);
    std::vector<float> out(x.size()), features(2 * x.size());
    softmax(x.data(), kChannels, kPixels, out.data());
    report_floats(report, "softmax", out);
    layer_norm(x.data(), kChannels, kPixels, weight.data(), bias.data(), 1e-5f, out.data());
    report_floats(report, "layer_norm", out);
    signed_log_feature(x.data(), kChannels, kPixels, s0.data(), features.data());
    report_floats(report, "signed_log_feature", features);
}

void spatial(const SelfTestReport& report) {
    constexpr int kDepth = 15, kHeight = 12, kWidth = 20, kSize = kDepth * kHeight * kWidth;
    const std::vector<float> q = selftest_numbers(kSize, 7, 3.0f), k = selftest_numbers(kSize, 8, 3.0f),
                             v = selftest_numbers(kSize, 9, 3.0f);
    std::vector<float> out(kSize);
    window_attention(q.data(), k.data(), v.data(), kDepth, kHeight, kWidth, 4, 3, out.data());
    report_floats(report, "window_attention", out);
    haar_dwt(q.data(), kDepth, kHeight, kWidth, out.data());
    report_floats(report, "haar_dwt", out);
    std::vector<float> back(kSize);
    haar_idwt(out.data(), kDepth, kHeight / 2, kWidth / 2, back.data());
    report_floats(report, "haar_idwt", back);
}

}  // namespace

void selftest_functions(const SelfTestReport& report) {
    elements(report);
    channels(report);
    spatial(report);
}

void selftest_entropy(const SelfTestReport& report) {
    const int32_t cdf[] = {0, 1, 100, 30000, 65000, 65535, 65536, 0, 40000, 65530, 65536};
    const int32_t starts[] = {0, 7}, lengths[] = {7, 4}, offsets[] = {-2, 0};
    const TableSet tables(cdf, 11, starts, lengths, offsets, 2);
    const std::vector<float> scales = selftest_numbers(6001, 10, 2.0f);
    const float threshold = 0.25f;
    std::vector<uint16_t> rows(scales.size());
    scale_index(scales.data(), scales.size(), &threshold, 1, rows.data());
    report("scale_index", rows.data(), rows.size() * sizeof(uint16_t));
    std::vector<int32_t> symbols(scales.size());
    for (size_t i = 0; i < symbols.size(); ++i) symbols[i] = static_cast<int32_t>(scales[i] * (i % 61 == 0 ? 1e6f : 1.5f));
    const std::vector<uint8_t> stream = rans_encode(symbols.data(), rows.data(), rows.size(), tables);
    report("rans_encode", stream.data(), stream.size());
    RansDecoder decoder(stream.data(), stream.size(), tables);
    decoder.decode(rows.data(), symbols.data(), rows.size());
    decoder.finish();
    report("rans_decode", symbols.data(), symbols.size() * sizeof(int32_t));
}

void selftest_trellis(const SelfTestReport& report) {
    const int32_t cdf[] = {0, 20000, 45000, 65000, 65536};    // -1, 0, 1 in every row
    const int32_t starts[6] = {}, lengths[] = {5, 5, 5, 5, 5, 5}, offsets[] = {-1, -1, -1, -1, -1, -1};
    const TableSet tables(cdf, 5, starts, lengths, offsets, 6);
    const float levels[] = {1.25f, 2.75f, 4.25f, 1.5f, 1.375f, 2.75f, 4.125f, 1.5f, 0.625f, 2.0f, 3.5f, 1.5f, 0.75f, 2.25f, 3.75f, 1.5f};
    const Trellis trellis(levels, 2, tables);
    std::vector<float> residual = selftest_numbers(5003, 11, 3.0f), values(residual.size());
    std::vector<uint16_t> rows(residual.size()), table_rows(residual.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = uint16_t(i * i % 7 % 2);
    residual[4711] = 1e6f;
    std::vector<int32_t> symbols(residual.size());
    trellis_quantise(residual.data(), rows.data(), rows.size(), trellis, 0.75f, 8.0f, symbols.data(), table_rows.data(), values.data());
    const std::vector<uint8_t> stream = rans_encode(symbols.data(), table_rows.data(), rows.size(), tables);
    report("trellis_quantise", stream.data(), stream.size());
    RansDecoder decoder(stream.data(), stream.size(), tables);
    decode_trellis(decoder, trellis, rows.data(), values.data(), rows.size());
    decoder.finish();
    report("trellis_decode", values.data(), values.size() * sizeof(float));
}

}  // namespace hpcm
