// Residual blocks: x + conv1x1(leaky(conv1x1(spatial(x); ew, eb), 0.01); rw, rb), run in one pass.
#pragma once

#include <vector>

#include "conv.h"
#include "definition.h"
#include "operands.h"

namespace hpcm {

// `partial`: spatial is a 3x3 convolution of the first channels among themselves, sw (p, p, 3, 3); otherwise depthwise,
// sw (n, 1, 3, 3).
template <bool partial>
class Residual final : public Operation {
public:
    explicit Residual(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 7);
        const int64_t n = x[0].shape.channels;
        tensor(x[1], {-1, partial ? x[1].dims[0] : 1, 3, 3});
        require(partial ? x[1].dims[0] <= n : x[1].dims[0] == n, "a residual block's weights do not fit");
        vector_of(x[2], x[1].dims[0]);
        tensor(x[3], {-1, n, 1, 1});
        vector_of(x[4], x[3].dims[0]);
        tensor(x[5], {n, x[3].dims[0], 1, 1});
        vector_of(x[6], n);
        return x[0].shape;
    }

    std::optional<Reach> reach(const Operands&) const override { return Reach{1, 1, 1, 1, 0}; }
    size_t maps(const Operands&) const override { return 1; }

    double work(const Operands& x, const Shape& out) const override {
        return static_cast<double>(out.pixels()) * static_cast<double>(x[1].shape.channels + 2 * x[3].shape.channels);
    }
    double scratch(const Operands& x, const Shape& out, int threads) const override {
        return static_cast<double>(threads) * static_cast<double>(256 * (x[3].dims[0] + out.channels) + 5 * 28 * (out.columns + 256));
    }
    bool gives_rows() const override { return true; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const Rows out(call.out, call.plane, call.row, call.shape.rows);
        if (partial) {
            pconv_rb(planes(call[0]), block(call), out);
        } else {
            dwconv_rb(planes(call[0]), block(call), out);
        }
    }

    void define(const Call& call) const override {
        const Shape& s = call.shape;
        const ResidualBlock b = block(call);
        const float* const x = call[0].data;
        const int64_t n = s.channels, spatial = b.spatial_channels, inputs = partial ? spatial : 1;
        std::vector<float> t(static_cast<size_t>(n)), hidden(static_cast<size_t>(b.hidden));
        for (int64_t at = 0; at < s.pixels(); ++at) {
            const int64_t top = at / s.columns - 1, left = at % s.columns - 1;
            for (int64_t o = 0; o < n; ++o) {
                float sum = o < spatial ? b.spatial_bias[o] : x[o * s.pixels() + at];
                for (int64_t c = 0; o < spatial && c < inputs; ++c) {
                    sum = definition::taps(sum, x + (partial ? c : o) * s.pixels(), s.rows, s.columns, b.spatial + (o * inputs + c) * 9, 3, top, left);
                }
                t[static_cast<size_t>(o)] = o < spatial ? sum + 0.0f : sum;
            }
            for (int64_t h = 0; h < b.hidden; ++h) {
                float sum = b.expand_bias[h];
                for (int64_t c = 0; c < n; ++c) sum = definition::fma(b.expand[h * n + c], t[static_cast<size_t>(c)], sum);
                hidden[static_cast<size_t>(h)] = definition::leaky(sum + 0.0f, 0.01f);
            }
            for (int64_t o = 0; o < n; ++o) {
                float sum = b.reduce_bias[o];
                for (int64_t h = 0; h < b.hidden; ++h) sum = definition::fma(b.reduce[o * b.hidden + h], hidden[static_cast<size_t>(h)], sum);
                call.out[o * s.pixels() + at] = x[o * s.pixels() + at] + (sum + 0.0f);
            }
        }
    }

private:
    static ResidualBlock block(const Call& x) {
        return {x[1].data, x[2].data, static_cast<int>(x[1].dims[0]), x[3].data, x[4].data, static_cast<int>(x[3].dims[0]), x[5].data, x[6].data};
    }
};

}  // namespace hpcm
