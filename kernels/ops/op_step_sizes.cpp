// step_sizes [x]: 2^x for x in -1 .. 1, at the nearest of 33 recorded values, half to even; at the ends beyond, -1 for NaN.
#include "op_element.h"

namespace hpcm {
namespace {

constexpr float kBelowOne[] = {0.5f,        0.52213687f, 0.5452539f, 0.5693943f,  0.59460354f, 0.6209289f, 0.6484198f,  0.6771278f,
                               0.70710677f, 0.7384131f,  0.7711054f, 0.80524516f, 0.8408964f,  0.8781261f, 0.91700405f, 0.9576033f};
constexpr float kRounds = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer

float step(int index) { return index == 32 ? 2.0f : index < 16 ? kBelowOne[index] : 2.0f * kBelowOne[index - 16]; }

void step_sizes(const float* x, size_t count, float* out) {
    float table[33];
    for (int i = 0; i < 33; ++i) table[i] = step(i);
    for (size_t i = 0; i < count; ++i) {
        float a = x[i] > -1.0f ? x[i] : -1.0f;
        a = a < 1.0f ? a : 1.0f;
        out[i] = table[static_cast<int>((a * 16.0f + kRounds) - kRounds) + 16];
    }
}

ElementKernel kernel() { return step_sizes; }

float definition_of(float x) {
    const float bounded = !(x >= -1.0f) ? -1.0f : x > 1.0f ? 1.0f : x;
    return step(static_cast<int>(std::nearbyint(bounded * 16.0f)) + 16);
}

}  // namespace

using StepSizes = ElementFunctionOf<kernel, definition_of, 4>;
HPCM_OPERATION(step_sizes, StepSizes)

}  // namespace hpcm
