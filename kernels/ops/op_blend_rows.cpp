// blend_rows [weights (A), rows (A, C)] -> vector C: the sum of weights[a] rows[a] from +0, fused, a ascending.
#include "definition.h"
#include "elementwise.h"
#include "operands.h"

namespace hpcm {
namespace {

class BlendRows final : public Operation {
public:
    explicit BlendRows(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        tensor(x[1], {-1, -1});
        vector_of(x[0], x[1].dims[0]);
        return {x[1].dims[1], 1, 1};
    }
    double work(const Operands& x, const Shape&) const override { return static_cast<double>(x[1].shape.channels); }

    void run(const Call& call) const override {
        blend_rows(call[0].data, call[1].data, static_cast<int>(call[1].dims[0]), static_cast<size_t>(call[1].dims[1]), call.out);
    }

    void define(const Call& call) const override {
        const int64_t channels = call[1].dims[1];
        for (int64_t c = 0; c < channels; ++c) {
            float sum = 0.0f;
            for (int64_t a = 0; a < call[1].dims[0]; ++a) sum = definition::fma(call[0].data[a], call[1].data[a * channels + c], sum);
            call.out[c] = sum;
        }
    }
};

}  // namespace

HPCM_OPERATION(blend_rows, BlendRows)

}  // namespace hpcm
