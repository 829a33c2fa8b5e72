// pixel_unshuffle [x]: r. The inverse of pixel_shuffle; height and width are multiples of r.
#include "definition.h"
#include "elementwise.h"
#include "operands.h"

namespace hpcm {
namespace {

class PixelUnshuffle final : public Operation {
public:
    explicit PixelUnshuffle(Attributes& a) : r_(a.integer(1, kMostFactor)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        require(s.rows % r_ == 0 && s.columns % r_ == 0, "a map does not divide into cells");
        return {s.channels * r_ * r_, s.rows / r_, s.columns / r_};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{r_, 1, 0, 0, 0}; }
    bool strided() const override { return true; }

    void run(const Call& call) const override { pixel_unshuffle(planes(call[0]), static_cast<int>(r_), call.out, call.plane); }

    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] = definition::at(call[0], c / (r_ * r_), i * r_ + c / r_ % r_, j * r_ + c % r_);
        });
    }

private:
    int64_t r_;
};

}  // namespace

HPCM_OPERATION(pixel_unshuffle, PixelUnshuffle)

}  // namespace hpcm
