#include "alpha.h"

#include <algorithm>
#include <vector>

#include "inflate.h"

namespace hpcm {
namespace {

std::vector<uint8_t> plane_of(Bytes payload, uint32_t height, uint32_t width) {
    enum { constant, plain, left, up, both };
    const size_t count = size_t(height) * width;
    if (payload.size < 2 || payload.data[0] > both || (payload.data[0] == constant && payload.size != 2)) {
        fail(Status::corrupt, "the alpha channel is damaged");
    }
    const uint8_t method = payload.data[0];
    if (method == constant) return std::vector<uint8_t>(count, payload.data[1]);
    std::vector<uint8_t> plane = inflate(payload.from(1), count);
    if (method == up || method == both) {
        for (size_t i = width; i < count; ++i) plane[i] = uint8_t(plane[i] + plane[i - width]);
    }
    if (method == left || method == both) {
        for (size_t i = 0; i < count; ++i) {
            if (i % width != 0) plane[i] = uint8_t(plane[i] + plane[i - 1]);
        }
    }
    return plane;
}

}  // namespace

void decode_alpha(Bytes payload, uint32_t height, uint32_t width, const Region& region, int scale, uint8_t* out) {
    const std::vector<uint8_t> plane = plane_of(payload, height, width);
    const int64_t line = (region.width + scale - 1) / scale;
    Squares squares(region.width, region.height, 1, scale,
                    [&](int64_t y, int64_t count, const uint8_t* samples) { std::copy_n(samples, count * line, out + y * line); });
    for (int64_t y = 0; y < region.height; ++y) squares.take(y, 1, plane.data() + (region.y + y) * width + region.x);
}

}  // namespace hpcm
