// Fused multiply-add for processors without one. A double product followed by a double sum would round twice.
#pragma once

#include <cstdint>
#include <cstring>

namespace hpcm {
namespace {

// a*b+c rounded once to float. The product of two floats is exact in double; TwoSum gives the sum and its exact error;
// rounding the sum to odd (the last bit records that something was lost) makes the final rounding to float correct,
// since double keeps more than two bits beyond float (Boldo and Melquiond, IEEE Trans. Computers 57(4), 2008).
inline float soft_fma(float a, float b, float c) {
    const double product = static_cast<double>(a) * static_cast<double>(b);
    const double addend = c;
    const double sum = product + addend;
    const double part = sum - product;
    const double error = (product - (sum - part)) + (addend - part);
    int64_t pattern;
    std::memcpy(&pattern, &sum, sizeof pattern);
    const bool inexact = error > 0 || error < 0;  // false when the sum is infinite: its error is NaN
    const int64_t outward = ((error > 0) == (sum > 0)) ? 1 : -1;
    pattern += (inexact && (pattern & 1) == 0) ? outward : 0;
    double odd;
    std::memcpy(&odd, &pattern, sizeof odd);
    return static_cast<float>(odd);
}

}  // namespace
}  // namespace hpcm
