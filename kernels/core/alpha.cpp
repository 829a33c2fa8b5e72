#include "alpha.h"

#include "inflate.h"

namespace hpcm {

std::vector<uint8_t> decode_alpha(Bytes payload, uint32_t height, uint32_t width) {
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

}  // namespace hpcm
