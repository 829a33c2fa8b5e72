// inverse_haar [x] -> (C / 4, 2H, 2W): the cells of four bands.
#include "definition.h"
#include "functions.h"
#include "operands.h"

namespace hpcm {
namespace {

class InverseHaar final : public Operation {
public:
    explicit InverseHaar(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        require(s.channels % 4 == 0, "bands are not a multiple of four channels");
        return {s.channels / 4, 2 * s.rows, 2 * s.columns};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{1, 2, 0, 0, 0}; }

    void run(const Call& call) const override {
        const Shape& s = call[0].shape;
        haar_idwt(call[0].data, static_cast<int>(s.channels / 4), static_cast<int>(s.rows), static_cast<int>(s.columns), call.out);
    }

    void define(const Call& call) const override {
        const int64_t channels = call.shape.channels;
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const auto band = [&](int64_t k) { return definition::at(call[0], k * channels + c, i / 2, j / 2); };
            const float first = i % 2 == 0 ? band(0) + band(1) : band(0) - band(1);
            const float second = i % 2 == 0 ? band(2) + band(3) : band(2) - band(3);
            call.out[place] = (j % 2 == 0 ? first + second : first - second) * 0.5f;
        });
    }
};

}  // namespace

HPCM_OPERATION(inverse_haar, InverseHaar)

}  // namespace hpcm
