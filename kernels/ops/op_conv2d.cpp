// conv2d [x, weight (O, C, k, k), bias (O) or null]: stride, padding. Zeros around; sums in the order channel, row, column.
#include "conv.h"
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Conv2d final : public Operation {
public:
    explicit Conv2d(Attributes& a)
        : stride_(static_cast<int>(a.integer(1, kMostKernel))), padding_(static_cast<int>(a.integer(0, kMostKernel - 1))) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 3, 2);
        const int64_t k = kernel_side(tensor(x[1], {-1, x[0].shape.channels, -1, -1})), outputs = x[1].dims[0];
        vector_of(x[2], outputs, true);
        require(padding_ < k, "a convolution's padding is not smaller than its kernel");
        return {outputs, conv_extent(x[0].shape.rows, k, stride_, padding_), conv_extent(x[0].shape.columns, k, stride_, padding_)};
    }

    std::optional<Reach> reach(const Operands& x) const override {
        const int64_t k = x[1].dims[2], covered = stride_ + 2 * padding_;
        if (k < stride_ || k > covered || covered >= k + stride_) return std::nullopt;
        return Reach{stride_, 1, padding_, std::max<int64_t>(0, k - padding_ - stride_), 0};
    }
    size_t maps(const Operands&) const override { return 1; }

    double work(const Operands& x, const Shape& out) const override {
        return static_cast<double>(x[0].shape.count()) + static_cast<double>(out.pixels()) * static_cast<double>(x[1].shape.channels);
    }
    double scratch(const Operands& x, const Shape& out, int threads) const override {
        const int64_t k = x[1].dims[2];
        return static_cast<double>(threads) * static_cast<double>((k + stride_) * (out.columns + 64) * stride_ * std::max<int64_t>(1, 256 / (k * k)));
    }
    bool gives_rows() const override { return true; }
    bool continues() const override { return true; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const Operand &x = call[0], &w = call[1];
        const int outputs = static_cast<int>(w.dims[0]), k = static_cast<int>(w.dims[2]);
        const Rows out(call.out, call.plane, call.row, call.shape.rows);
        const Epilogue then{call.leaky, call.slope, call.residual, call.residual_plane};
        if (k == 1 && stride_ == 1) {
            conv1x1(planes(x), w.data, call[2].data, outputs, out, then);
        } else {
            conv2d(planes(x), w.data, call[2].data, outputs, {k, k, stride_, padding_}, out, then);
        }
    }

    void define(const Call& call) const override {
        const Operand &x = call[0], &w = call[1];
        const int64_t k = w.dims[2], pixels = x.shape.pixels();
        definition::each(call.shape, [&](int64_t o, int64_t i, int64_t j, int64_t place) {
            float sum = call[2].absent() ? 0.0f : call[2].data[o];
            for (int64_t c = 0; c < x.shape.channels; ++c) {
                sum = definition::taps(sum, x.data + c * pixels, x.shape.rows, x.shape.columns, w.data + (o * x.shape.channels + c) * k * k,
                                       k, i * stride_ - padding_, j * stride_ - padding_);
            }
            call.out[place] = sum + 0.0f;
        });
    }

private:
    int stride_, padding_;
};

}  // namespace

HPCM_OPERATION(conv2d, Conv2d)

}  // namespace hpcm
