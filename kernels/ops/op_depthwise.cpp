// depthwise [x, weight (C, 1, k, k), bias (C) or null]: padding. Every channel with its own kernel, stride 1.
#include "conv.h"
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Depthwise final : public Operation {
public:
    explicit Depthwise(Attributes& a) : padding_(static_cast<int>(a.integer(0, kMostKernel - 1))) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 3, 2);
        const Shape& s = x[0].shape;
        const int64_t k = kernel_side(tensor(x[1], {s.channels, 1, -1, -1}));
        vector_of(x[2], s.channels, true);
        require(padding_ < k, "a convolution's padding is not smaller than its kernel");
        return {s.channels, conv_extent(s.rows, k, 1, padding_), conv_extent(s.columns, k, 1, padding_)};
    }

    std::optional<Reach> reach(const Operands& x) const override {
        if (x[1].dims[2] != 1 + 2 * padding_) return std::nullopt;
        return Reach{1, 1, padding_, padding_, 0};
    }
    size_t maps(const Operands&) const override { return 1; }

    double work(const Operands& x, const Shape& out) const override {
        return static_cast<double>(out.count()) * static_cast<double>(x[1].dims[2] * x[1].dims[2]);
    }
    double scratch(const Operands& x, const Shape& out, int threads) const override {
        return static_cast<double>(threads) * 8.0 * static_cast<double>((x[1].dims[2] + 8) * (out.columns + 32));
    }
    bool gives_rows() const override { return true; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const int k = static_cast<int>(call[1].dims[2]);
        depthwise(planes(call[0]), call[1].data, call[2].data, {k, k, 1, padding_},
                  Rows(call.out, call.plane, call.row, call.shape.rows));
    }

    void define(const Call& call) const override {
        const Operand &x = call[0], &w = call[1];
        const int64_t k = w.dims[2];
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const float bias = call[2].absent() ? 0.0f : call[2].data[c];
            call.out[place] = definition::taps(bias, x.data + c * x.shape.pixels(), x.shape.rows, x.shape.columns, w.data + c * k * k, k,
                                               i - padding_, j - padding_) + 0.0f;
        });
    }

private:
    int padding_;
};

}  // namespace

HPCM_OPERATION(depthwise, Depthwise)

}  // namespace hpcm
