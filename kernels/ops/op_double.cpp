// double [x] -> (C, 2H, 2W): every element four times.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Double final : public Operation {
public:
    explicit Double(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        return {s.channels, 2 * s.rows, 2 * s.columns};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{1, 2, 0, 0, 0}; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            const float* from = call[0].data + c * call[0].plane + row / 2 * call[0].shape.columns;
            float* to = call.out + c * call.plane + row * call.shape.columns;
            for (int64_t j = 0; j < call[0].shape.columns; ++j) to[2 * j] = to[2 * j + 1] = from[j];
        });
    }

    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] = definition::at(call[0], c, i / 2, j / 2);
        });
    }
};

}  // namespace

HPCM_OPERATION(double, Double)

}  // namespace hpcm
