// unit [x]: every position's vector over its length, the squared length being at least 1e-12.
#include <cmath>

#include "bank.h"
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Unit final : public Operation {
public:
    explicit Unit(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        return x[0].shape;
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    double work(const Operands&, const Shape& out) const override { return 3.0 * static_cast<double>(out.count()); }

    void run(const Call& call) const override {
        unit(call[0].data, static_cast<int>(call.shape.channels), static_cast<size_t>(call.shape.pixels()), call.out);
    }

    void define(const Call& call) const override {
        const int64_t channels = call.shape.channels, pixels = call.shape.pixels();
        for (int64_t at = 0; at < pixels; ++at) {
            const float* x = call[0].data + at;
            float sum = 0.0f;
            for (int64_t c = 0; c < channels; ++c) sum = definition::fma(x[c * pixels], x[c * pixels], sum);
            const float length = std::sqrt(definition::larger(sum, 1e-12f));
            for (int64_t c = 0; c < channels; ++c) call.out[at + c * pixels] = x[c * pixels] / length;
        }
    }
};

}  // namespace

HPCM_OPERATION(unit, Unit)

}  // namespace hpcm
