// cell_rms [x]: floor -> (C, ceil(H / 2), ceil(W / 2)). With a, b, c, d the greater of floor and each element of a 2x2 cell, an odd
// last row or column repeated: sqrt(((a a + b b) + (c c + d d)) / 4).
#include <cmath>

#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class CellRms final : public Operation {
public:
    explicit CellRms(Attributes& a) : floor_(a.positive()) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        return {s.channels, (s.rows + 1) / 2, (s.columns + 1) / 2};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{2, 1, 0, 0, 0}; }
    double work(const Operands& x, const Shape&) const override { return 2.0 * static_cast<double>(x[0].shape.count()); }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const Shape& s = call[0].shape;
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            const float* top = call[0].data + c * call[0].plane + 2 * row * s.columns;
            const float* bottom = top + (2 * row + 1 < s.rows ? s.columns : 0);
            float* const to = call.out + c * call.plane + row * call.shape.columns;
            for (int64_t j = 0; j < call.shape.columns; ++j) {
                const int64_t left = 2 * j, right = std::min(left + 1, s.columns - 1);
                to[j] = std::sqrt(((square(top[left]) + square(top[right])) + (square(bottom[left]) + square(bottom[right]))) * 0.25f);
            }
        });
    }

    void define(const Call& call) const override {
        const Shape& s = call[0].shape;
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const int64_t bottom = std::min(2 * i + 1, s.rows - 1), right = std::min(2 * j + 1, s.columns - 1);
            const auto x = [&](int64_t row, int64_t column) { return square(definition::at(call[0], c, row, column)); };
            call.out[place] = std::sqrt(((x(2 * i, 2 * j) + x(2 * i, right)) + (x(bottom, 2 * j) + x(bottom, right))) * 0.25f);
        });
    }

private:
    float square(float x) const {
        const float bounded = x > floor_ ? x : floor_;
        return bounded * bounded;
    }

    float floor_;
};

}  // namespace

HPCM_OPERATION(cell_rms, CellRms)

}  // namespace hpcm
