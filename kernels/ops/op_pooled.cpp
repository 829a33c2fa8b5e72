// pooled [x] -> vector C: the mean over positions, added in chunks of 64 in raster order.
#include "operands.h"

namespace hpcm {
namespace {

constexpr int64_t kChunk = 64;  // part of the format

float mean(const float* x, int64_t pixels) {
    float total = 0.0f;
    for (int64_t first = 0; first < pixels; first += kChunk) {
        float part = 0.0f;
        for (int64_t i = first; i < std::min(pixels, first + kChunk); ++i) part = part + x[i];
        total = total + part;
    }
    return total / static_cast<float>(pixels);
}

class Pooled final : public Operation {
public:
    explicit Pooled(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        return {x[0].shape.channels, 1, 1};
    }
    double work(const Operands& x, const Shape&) const override { return static_cast<double>(x[0].shape.count()); }

    void run(const Call& call) const override {
        const size_t pixels = static_cast<size_t>(call[0].shape.pixels());
        parallel_for(static_cast<size_t>(call.shape.channels), std::max<size_t>(1, kGrain / pixels), [&](size_t begin, size_t end) {
            for (size_t c = begin; c < end; ++c) call.out[c] = mean(call[0].data + c * pixels, static_cast<int64_t>(pixels));
        });
    }

    void define(const Call& call) const override {
        const int64_t pixels = call[0].shape.pixels();
        for (int64_t c = 0; c < call.shape.channels; ++c) call.out[c] = mean(call[0].data + c * pixels, pixels);
    }
};

}  // namespace

HPCM_OPERATION(pooled, Pooled)

}  // namespace hpcm
