#include "exact_model.h"

namespace hpcm::exact {
namespace {

constexpr uint64_t kDecay = 4278222805;    // exp(-1 / 256) in units of 2^-32

ModelTables make_tables() {
    ModelTables t{};
    const uint64_t one = uint64_t(1) << 60;
    uint64_t e = one;    // exp(-i / 256)
    for (int i = 0; i <= kSquashLimit; ++i) {
        const uint64_t p = (uint64_t(1) << 62) / ((one + e) >> 14);    // 65536 / (1 + e)
        t.squash[kSquashLimit + i] = uint16_t(p);
        t.squash[kSquashLimit - i] = uint16_t(65536 - p);
        e = (e >> 32) * kDecay + (((e & 0xffffffffu) * kDecay) >> 32);
    }
    for (int i = 0, x = -kStretchLimit; i < 4096; ++i) {
        while (x < kStretchLimit && t.squash[kSquashLimit + x] < 16 * i + 8) ++x;
        t.stretch[i] = int16_t(x);
    }
    for (int i = 0; i < 256; ++i) t.rate[i] = uint16_t(16384 / (2 * i + 3));
    for (int i = 128; i < 256; ++i) t.reciprocal[i] = uint16_t(32768 / i);
    for (int i = 0; i < 1024; ++i) t.blend[i] = int16_t(i < 16 ? 4095 : 4095 * 19 * 19 / ((i + 3) * (i + 3)));
    return t;
}

}  // namespace

const ModelTables kTables = make_tables();

}  // namespace hpcm::exact
