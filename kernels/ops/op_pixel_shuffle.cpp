// pixel_shuffle [x]: r. Element (c, i r + a, j r + b) is x[c r r + a r + b, i, j].
#include "definition.h"
#include "elementwise.h"
#include "operands.h"

namespace hpcm {
namespace {

class PixelShuffle final : public Operation {
public:
    explicit PixelShuffle(Attributes& a) : r_(a.integer(1, kMostFactor)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        const Shape& s = x[0].shape;
        require(s.channels % (r_ * r_) == 0, "channels do not divide into phases");
        return {s.channels / (r_ * r_), s.rows * r_, s.columns * r_};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{1, r_, 0, 0, 0}; }
    bool strided() const override { return true; }

    void run(const Call& call) const override { pixel_shuffle(planes(call[0]), static_cast<int>(r_), call.out, call.plane); }

    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] = definition::at(call[0], (c * r_ + i % r_) * r_ + j % r_, i / r_, j / r_);
        });
    }

private:
    int64_t r_;
};

}  // namespace

HPCM_OPERATION(pixel_shuffle, PixelShuffle)

}  // namespace hpcm
