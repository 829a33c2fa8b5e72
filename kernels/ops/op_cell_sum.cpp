// cell_sum [x]: f -> (C, H / f, W / f). Sums over f x f cells, row by row, by plain additions that begin with the first element.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class CellSum final : public Operation {
public:
    explicit CellSum(Attributes& a) : f_(a.integer(1, kMostFactor)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        require(s.rows % f_ == 0 && s.columns % f_ == 0, "a map does not divide into cells");
        return {s.channels, s.rows / f_, s.columns / f_};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{f_, 1, 0, 0, 0}; }
    double work(const Operands& x, const Shape&) const override { return static_cast<double>(x[0].shape.count()); }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            const float* from = call[0].data + c * call[0].plane + row * f_ * call[0].shape.columns;
            float* const to = call.out + c * call.plane + row * call.shape.columns;
            for (int64_t j = 0; j < call.shape.columns; ++j) to[j] = from[j * f_];
            for (int64_t cell = 1; cell < f_ * f_; ++cell) {
                const float* x = from + cell / f_ * call[0].shape.columns + cell % f_;
                for (int64_t j = 0; j < call.shape.columns; ++j) to[j] = to[j] + x[j * f_];
            }
        });
    }

    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const auto x = [&](int64_t cell) {
                return call[0].data[(c * call[0].shape.rows + i * f_ + cell / f_) * call[0].shape.columns + j * f_ + cell % f_];
            };
            float sum = x(0);
            for (int64_t cell = 1; cell < f_ * f_; ++cell) sum = sum + x(cell);
            call.out[place] = sum;
        });
    }

private:
    int64_t f_;
};

}  // namespace

HPCM_OPERATION(cell_sum, CellSum)

}  // namespace hpcm
