// concat_columns [a, b]: b at the right of a.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class ConcatColumns final : public Operation {
public:
    explicit ConcatColumns(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        const Shape &a = x[0].shape, &b = x[1].shape;
        require(a.channels == b.channels && a.rows == b.rows, "maps of different sizes cannot be joined");
        return {a.channels, a.rows, a.columns + b.columns};
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            float* to = call.out + c * call.plane + row * call.shape.columns;
            for (const Operand& x : call.operands) to = std::copy_n(x.data + c * x.plane + row * x.shape.columns, x.shape.columns, to);
        });
    }

    void define(const Call& call) const override {
        const int64_t left = call[0].shape.columns;
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const Operand& x = call[j < left ? 0 : 1];
            call.out[place] = x.data[(c * x.shape.rows + i) * x.shape.columns + (j < left ? j : j - left)];
        });
    }
};

}  // namespace

HPCM_OPERATION(concat_columns, ConcatColumns)

}  // namespace hpcm
