// grouped [x, weight (C, g, k, k), bias (C)]: channel c from the inputs g floor(c / g) .. + g - 1, stride 1, size kept (k odd). Every
// input's taps are a sum of their own as in depthwise, the first from the bias; these are added in order.
#include <memory>

#include "conv.h"
#include "definition.h"
#include "dispatch.h"
#include "operands.h"

namespace hpcm {
namespace {

class Grouped final : public Operation {
public:
    explicit Grouped(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 3);
        const int64_t channels = x[0].shape.channels, k = kernel_side(tensor(x[1], {channels, -1, -1, -1}));
        vector_of(x[2], channels);
        require(x[1].dims[1] >= 1 && channels % x[1].dims[1] == 0, "channels do not fall into groups");
        require(k % 2 == 1, "a grouped convolution has an odd kernel");
        return x[0].shape;
    }

    std::optional<Reach> reach(const Operands& x) const override {
        const int64_t around = x[1].dims[2] / 2;
        return Reach{1, 1, around, around, 0};
    }
    size_t maps(const Operands&) const override { return 1; }

    double work(const Operands& x, const Shape& out) const override {
        return static_cast<double>(out.pixels()) * static_cast<double>(x[1].shape.channels);
    }
    double scratch(const Operands& x, const Shape& out, int threads) const override {
        return static_cast<double>(x[0].shape.count() + out.count() + x[1].shape.channels) +
               static_cast<double>(threads) * 8.0 * static_cast<double>((x[1].dims[2] + 8) * (out.columns + 32));
    }
    bool gives_rows() const override { return true; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const Operand &x = call[0], &w = call[1];
        const int64_t channels = x.shape.channels, g = w.dims[1], k = w.dims[2], taps = k * k, pixels = x.shape.pixels();
        const int64_t results = call.shape.pixels();
        const std::unique_ptr<float[]> source(new float[static_cast<size_t>(channels * pixels)]);
        const std::unique_ptr<float[]> part(new float[static_cast<size_t>(channels * results)]);
        const std::unique_ptr<float[]> own(new float[static_cast<size_t>(channels * taps)]);
        const int side = static_cast<int>(k);
        const Kernel kernel{side, side, 1, side / 2};
        const Planes from(source.get(), static_cast<int>(channels), static_cast<int>(x.shape.rows), static_cast<int>(x.shape.columns));
        const auto add = ops().elementwise.binary[static_cast<int>(Binary::add)];
        for (int64_t index = 0; index < g; ++index) {
            for (int64_t c = 0; c < channels; ++c) std::copy_n(w.data + (c * g + index) * taps, taps, own.get() + c * taps);
            for_planes(channels, pixels, [&](ptrdiff_t c, size_t begin, size_t end) {
                const float* plane = x.data + (c / g * g + index) * x.plane;
                std::copy(plane + begin, plane + end, source.get() + c * pixels + begin);
            });
            if (index == 0) {
                depthwise(from, own.get(), call[2].data, kernel, Rows(call.out, call.plane, call.row, call.shape.rows));
                continue;
            }
            depthwise(from, own.get(), nullptr, kernel, Rows(part.get(), results, call.row, call.shape.rows));
            for_planes(channels, results, [&](ptrdiff_t c, size_t begin, size_t end) {
                float* to = call.out + c * call.plane + begin;
                add(to, true, part.get() + c * results + begin, true, end - begin, to);
            });
        }
    }

    void define(const Call& call) const override {
        const Operand &x = call[0], &w = call[1];
        const int64_t g = w.dims[1], k = w.dims[2];
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            float total = 0.0f;
            for (int64_t index = 0; index < g; ++index) {
                const float part = definition::taps(index ? 0.0f : call[2].data[c], x.data + (c / g * g + index) * x.shape.pixels(),
                                                    x.shape.rows, x.shape.columns, w.data + (c * g + index) * k * k, k, i - k / 2, j - k / 2) + 0.0f;
                total = index ? total + part : part;
            }
            call.out[place] = total;
        });
    }
};

}  // namespace

HPCM_OPERATION(grouped, Grouped)

}  // namespace hpcm
