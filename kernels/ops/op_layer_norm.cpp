// layer_norm [x, weight (C), bias (C)]: eps. Over the channels of each position: ((x - m) / sqrt(variance + eps)) weight + bias.
#include <cmath>

#include "definition.h"
#include "functions.h"
#include "operands.h"

namespace hpcm {
namespace {

class LayerNorm final : public Operation {
public:
    explicit LayerNorm(Attributes& a) : eps_(a.positive()) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 3);
        vector_of(x[1], x[0].shape.channels);
        vector_of(x[2], x[0].shape.channels);
        return x[0].shape;
    }

    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    size_t maps(const Operands&) const override { return 1; }
    double work(const Operands&, const Shape& out) const override { return 4.0 * static_cast<double>(out.count()); }

    void run(const Call& call) const override {
        layer_norm(call[0].data, static_cast<int>(call.shape.channels), static_cast<size_t>(call.shape.pixels()), call[1].data,
                   call[2].data, eps_, call.out);
    }

    void define(const Call& call) const override {
        const int64_t channels = call.shape.channels, pixels = call.shape.pixels();
        for (int64_t at = 0; at < pixels; ++at) {
            const float* x = call[0].data + at;
            float sum = 0.0f, squares = 0.0f;
            for (int64_t c = 0; c < channels; ++c) sum = sum + x[c * pixels];
            const float mean = sum / static_cast<float>(channels);
            for (int64_t c = 0; c < channels; ++c) {
                const float d = x[c * pixels] - mean;
                squares = definition::fma(d, d, squares);
            }
            const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(channels) + eps_);
            for (int64_t c = 0; c < channels; ++c) {
                call.out[at + c * pixels] = definition::fma((x[c * pixels] - mean) * inverse, call[1].data[c], call[2].data[c]);
            }
        }
    }

private:
    float eps_;
};

}  // namespace

HPCM_OPERATION(layer_norm, LayerNorm)

}  // namespace hpcm
