// extend [x]: rows, columns (sizes); the last row and the last column repeated up to this size.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Extend final : public Operation {
public:
    explicit Extend(Attributes& a) : rows_(a.size()), columns_(a.size()) {}

    Shape shape(const Operands& x, const Grid& grid) const override {
        expect(x, 1);
        const Shape s{x[0].shape.channels, rows_.at(grid.rows), columns_.at(grid.columns)};
        require(s.rows >= x[0].shape.rows && s.columns >= x[0].shape.columns, "a map is larger than what it is to become");
        return s;
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            const Shape& s = call[0].shape;
            float* const to = call.out + c * call.plane + row * call.shape.columns;
            const float* from = call[0].data + c * call[0].plane + std::min<int64_t>(row, s.rows - 1) * s.columns;
            std::fill(std::copy_n(from, s.columns, to), to + call.shape.columns, from[s.columns - 1]);
        });
    }

    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] = definition::at(call[0], c, std::min(i, call[0].shape.rows - 1), std::min(j, call[0].shape.columns - 1));
        });
    }

private:
    Size rows_, columns_;
};

}  // namespace

HPCM_OPERATION(extend, Extend)

}  // namespace hpcm
