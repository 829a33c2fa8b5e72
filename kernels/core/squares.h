// A picture made smaller: every sample is the mean of a square.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace hpcm {

// A rectangle in pixels.
struct Region {
    int64_t x = 0, y = 0, width = 0, height = 0;
};

// Takes rows of samples from the top: `count` rows from row y on, interleaved, without gaps. T: uint8_t or uint16_t.
template <typename T>
using SampleRows = std::function<void(int64_t y, int64_t count, const T* samples)>;

// Means over squares of scale x scale samples, of what there is of them at the right and lower edge; halves go to even. Rows pass
// through as they are where the scale is 1.
template <typename T>
class Squares {
public:
    Squares(int64_t width, int64_t height, int channels, int scale, SampleRows<T> rows);

    void take(int64_t y, int64_t count, const T* samples);

private:
    void finish(int64_t y, int64_t rows);

    int64_t width_, height_, made_;
    int channels_, scale_;
    SampleRows<T> rows_;
    std::vector<uint32_t> sums_;
    std::vector<T> line_;
};

}  // namespace hpcm
