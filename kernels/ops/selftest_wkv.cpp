#include "selftest.h"
#include "wkv.h"

namespace hpcm {

void selftest_wkv(const SelfTestReport& report) {
    constexpr int kBatch = 2, kTokens = 150, kChannels = 19, kSize = kBatch * kTokens * kChannels;
    const std::vector<float> k = selftest_numbers(kSize, 20, 9.0f), v = selftest_numbers(kSize, 21, 3.0f),
                             w = selftest_numbers(kChannels, 22, 0.5f, 0.4f), u = selftest_numbers(kChannels, 23, 2.0f);
    std::vector<float> y(kSize);
    wkv(w.data(), u.data(), k.data(), v.data(), kBatch, kTokens, kChannels, y.data());
    report("wkv", y.data(), y.size() * sizeof(float));
    std::vector<float> gradients(2 * kChannels + 2 * kSize);  // of w, u, k, v; the outputs stand in for their own gradients
    float *const gw = gradients.data(), *const gu = gw + kChannels, *const gk = gu + kChannels, *const gv = gk + kSize;
    wkv_backward(w.data(), u.data(), k.data(), v.data(), y.data(), kBatch, kTokens, kChannels, gw, gu, gk, gv);
    report("wkv_backward", gw, gradients.size() * sizeof(float));
    constexpr int kHeight = 12, kWidth = 25;  // 300 positions: the same numbers as planes, in windows with clipped ones
    wkv_windows(w.data(), u.data(), k.data(), v.data(), kChannels, kHeight, kWidth, 8, 16, y.data());
    report("wkv_windows", y.data(), y.size() * sizeof(float));
}

}  // namespace hpcm
