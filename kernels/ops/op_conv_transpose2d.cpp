// conv_transpose2d [x, weight (C, O, k, k), bias (O) or null]: stride, padding. Result (i, j) meets input (a, b) with the tap
// (i + padding - a stride, j + padding - b stride); sums in the order channel, tap row, tap column.
#include "conv.h"
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class ConvTranspose2d final : public Operation {
public:
    explicit ConvTranspose2d(Attributes& a)
        : stride_(static_cast<int>(a.integer(1, kMostKernel))), padding_(static_cast<int>(a.integer(0, kMostKernel - 1))) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 3, 2);
        const int64_t k = kernel_side(tensor(x[1], {x[0].shape.channels, -1, -1, -1})), outputs = x[1].dims[1];
        vector_of(x[2], outputs, true);
        require(padding_ < k, "a convolution's padding is not smaller than its kernel");
        return {outputs, conv_transpose_extent(x[0].shape.rows, k, stride_, padding_),
                conv_transpose_extent(x[0].shape.columns, k, stride_, padding_)};
    }

    std::optional<Reach> reach(const Operands& x) const override {
        if (x[1].dims[2] != stride_ + 2 * padding_) return std::nullopt;
        const int64_t around = (padding_ + stride_ - 1) / stride_;
        return Reach{1, stride_, around, around, 0};
    }
    size_t maps(const Operands&) const override { return 1; }

    double work(const Operands& x, const Shape&) const override {
        return static_cast<double>(x[0].shape.pixels()) * static_cast<double>(x[1].shape.channels);
    }
    double scratch(const Operands& x, const Shape& out, int threads) const override {
        const int64_t k = x[1].dims[2];
        return static_cast<double>(x[1].shape.channels) +
               static_cast<double>(threads) * static_cast<double>((k + 1) * (out.columns + 64) * 256 + 256 * out.channels);
    }
    bool gives_rows() const override { return true; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const int k = static_cast<int>(call[1].dims[2]);
        conv_transpose2d(planes(call[0]), call[1].data, call[2].data, static_cast<int>(call[1].dims[1]), {k, k, stride_, padding_},
                         Rows(call.out, call.plane, call.row, call.shape.rows));
    }

    void define(const Call& call) const override {
        const Operand &x = call[0], &w = call[1];
        const int64_t k = w.dims[2], outputs = w.dims[1], rows = x.shape.rows, columns = x.shape.columns;
        definition::each(call.shape, [&](int64_t o, int64_t i, int64_t j, int64_t place) {
            float sum = call[2].absent() ? 0.0f : call[2].data[o];
            for (int64_t c = 0; c < x.shape.channels; ++c) {
                for (int64_t a = 0; a < k; ++a) {
                    for (int64_t b = 0; b < k; ++b) {
                        const int64_t y = i + padding_ - a, z = j + padding_ - b;
                        if (y < 0 || z < 0 || y % stride_ || z % stride_ || y / stride_ >= rows || z / stride_ >= columns) continue;
                        sum = definition::fma(w.data[((c * outputs + o) * k + a) * k + b],
                                              definition::at(x, c, y / stride_, z / stride_), sum);
                    }
                }
            }
            call.out[place] = sum + 0.0f;
        });
    }

private:
    int stride_, padding_;
};

}  // namespace

HPCM_OPERATION(conv_transpose2d, ConvTranspose2d)

}  // namespace hpcm
