#include "bank.h"
#include "selftest.h"

namespace hpcm {
namespace {

constexpr int kPixels = 150, kEntries = 5, kComponents = 19, kWidth = 23;

void report_floats(const SelfTestReport& report, const char* name, const std::vector<float>& values) {
    report(name, values.data(), values.size() * sizeof(float));
}

// Entries 1 and 3 are the same, so that some of the chosen ones are equals.
void recalls(const SelfTestReport& report) {
    std::vector<float> query = selftest_numbers(kComponents * kPixels, 30, 1.0f), out(kWidth * kPixels);
    std::vector<std::vector<float>> held;
    const float *keys[kEntries], *values[kEntries];
    for (int e = 0; e < kEntries; ++e) {
        const uint32_t seed = e == 3 ? 1 : e;
        held.push_back(selftest_numbers(kComponents * kPixels, 31 + seed, 1.0f));
        unit(held.back().data(), kComponents, kPixels, held.back().data());
        keys[e] = held.back().data();
        held.push_back(selftest_numbers(kWidth * kPixels, 41 + seed, 3.0f));
        values[e] = held.back().data();
        report_floats(report, "unit", held[2 * e]);
    }
    unit(query.data(), kComponents, kPixels, query.data());
    for (const bool shared : {false, true}) {
        for (const int topk : {2, 4}) {
            recall({query.data(), keys, values, out.data(), kEntries, topk, kComponents, kWidth, kPixels, kPixels, shared, 0.3f});
            report_floats(report, "recall", out);
        }
    }
}

void summaries(const SelfTestReport& report) {
    constexpr int kHeads = 2, kChannels = 2 * kWidth, kFloats = kChannels * kWidth;
    const std::vector<float> k = selftest_numbers(kChannels * kPixels, 50, 9.0f), v = selftest_numbers(kChannels * kPixels, 51, 3.0f);
    std::vector<float> peak(kChannels), mass(kChannels), sums(kFloats), peak2(kChannels), mass2(kChannels), sums2(kFloats);
    summarise(k.data(), v.data(), kChannels, kPixels, kHeads, peak.data(), mass.data(), sums.data());
    summarise(v.data(), k.data(), kChannels, kPixels, kHeads, peak2.data(), mass2.data(), sums2.data());
    for (const auto* part : {&peak, &mass, &sums}) report_floats(report, "summarise", *part);
    join_summaries(peak.data(), mass.data(), sums.data(), peak2.data(), mass2.data(), sums2.data(), kChannels, kWidth);
    for (const auto* part : {&peak, &mass, &sums}) report_floats(report, "join_summaries", *part);
}

}  // namespace

void selftest_bank(const SelfTestReport& report) {
    recalls(report);
    summaries(report);
}

}  // namespace hpcm
