// haar [x] -> (4C, ceil(H / 2), ceil(W / 2)): bands LL, LH, HL, HH of 2x2 cells; an odd last row or column is repeated.
#include "definition.h"
#include "functions.h"
#include "operands.h"

namespace hpcm {
namespace {

class Haar final : public Operation {
public:
    explicit Haar(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        return {4 * s.channels, (s.rows + 1) / 2, (s.columns + 1) / 2};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{2, 1, 0, 0, 0}; }

    void run(const Call& call) const override {
        const Shape& s = call[0].shape;
        haar_dwt(call[0].data, static_cast<int>(s.channels), static_cast<int>(s.rows), static_cast<int>(s.columns), call.out);
    }

    void define(const Call& call) const override {
        const Shape& s = call[0].shape;
        const int64_t channels = s.channels;
        definition::each(call.shape, [&](int64_t k, int64_t i, int64_t j, int64_t place) {
            const int64_t band = k / channels, top = 2 * i, bottom = std::min(top + 1, s.rows - 1), left = 2 * j;
            const auto x = [&](int64_t row, int64_t column) { return definition::at(call[0], k % channels, row, std::min(column, s.columns - 1)); };
            const float a = x(top, left), b = x(top, left + 1), c = x(bottom, left), d = x(bottom, left + 1);
            const float first = band < 2 ? a + b : a - b, second = band < 2 ? c + d : c - d;
            call.out[place] = (band % 2 == 0 ? first + second : first - second) * 0.5f;
        });
    }
};

}  // namespace

HPCM_OPERATION(haar, Haar)

}  // namespace hpcm
