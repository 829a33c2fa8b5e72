// sum_channels [x] -> one channel: +0 and all channels in order, by plain additions.
#include "definition.h"
#include "dispatch.h"
#include "operands.h"

namespace hpcm {
namespace {

class SumChannels final : public Operation {
public:
    explicit SumChannels(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        return {1, x[0].shape.rows, x[0].shape.columns};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    double work(const Operands& x, const Shape&) const override { return static_cast<double>(x[0].shape.count()); }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const auto add = ops().elementwise.add;
        for_planes(1, call.shape.pixels(), [&](ptrdiff_t, size_t begin, size_t end) {
            float* const to = call.out + begin;
            std::fill(to, call.out + end, 0.0f);
            for (int64_t c = 0; c < call[0].shape.channels; ++c) add(to, call[0].data + c * call[0].plane + begin, end - begin, to);
        });
    }

    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t, int64_t i, int64_t j, int64_t place) {
            float sum = 0.0f;
            for (int64_t c = 0; c < call[0].shape.channels; ++c) sum = sum + definition::at(call[0], c, i, j);
            call.out[place] = sum;
        });
    }
};

}  // namespace

HPCM_OPERATION(sum_channels, SumChannels)

}  // namespace hpcm
