// summarise [k, v]: heads -> (d, 1, 2 + d / heads). In chunks of 64 positions: peak, mass (the sum of p = exp(k - peak)) and sums of
// p v; chunks are joined in order, then masses and sums divided by the number of positions.
#include "bank.h"
#include "definition.h"
#include "op_summary.h"

namespace hpcm {
namespace {

class Summarise final : public Operation {
public:
    explicit Summarise(Attributes& a) : heads_(a.integer(1, 4096)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        require(x[1].shape == x[0].shape, "keys and values of different shapes");
        return {x[0].shape.channels, 1, 2 + head_width(x[0].shape.channels, heads_)};
    }
    double work(const Operands& x, const Shape& out) const override {
        return static_cast<double>(x[0].shape.count()) * static_cast<double>(16 + out.columns);
    }
    double scratch(const Operands& x, const Shape& out, int) const override {
        return static_cast<double>(x[0].shape.pixels() / kSummaryChunk + 2) * static_cast<double>(out.count());
    }

    void run(const Call& call) const override {
        SummaryParts s(call.shape.channels, call.shape.columns - 2);
        summarise(call[0].data, call[1].data, s.channels, static_cast<size_t>(call[0].shape.pixels()), static_cast<int>(heads_),
                  s.peak.data(), s.mass.data(), s.sums.data());
        s.store(call.out);
    }

    void define(const Call& call) const override {
        const int64_t pixels = call[0].shape.pixels(), width = call.shape.columns - 2;
        for (int64_t c = 0; c < call.shape.channels; ++c) {
            const float* const k = call[0].data + c * pixels;
            const float* const v = call[1].data + c / width * width * pixels;
            std::vector<float> row(static_cast<size_t>(width + 2));
            for (int64_t first = 0; first < pixels; first += kSummaryChunk) {
                const int64_t end = std::min(pixels, first + kSummaryChunk);
                std::vector<float> own(row.size(), 0.0f);
                own[0] = k[first];
                for (int64_t i = first; i < end; ++i) own[0] = definition::larger(own[0], k[i]);
                for (int64_t i = first; i < end; ++i) {
                    const float p = definition::exp(k[i] - own[0]);
                    own[1] = own[1] + p;
                    for (int64_t f = 0; f < width; ++f) {
                        float& sum = own[static_cast<size_t>(2 + f)];
                        sum = definition::fma(p, v[f * pixels + i], sum);
                    }
                }
                if (first == 0) {
                    row = own;
                    continue;
                }
                const float top = definition::larger(row[0], own[0]);
                const float a = definition::exp(row[0] - top), b = definition::exp(own[0] - top);
                row[0] = top;
                for (size_t i = 1; i < row.size(); ++i) row[i] = definition::fma(a, row[i], b * own[i]);
            }
            call.out[c * (width + 2)] = row[0];
            for (size_t i = 1; i < row.size(); ++i) {
                call.out[c * (width + 2) + static_cast<int64_t>(i)] = row[i] / static_cast<float>(pixels);
            }
        }
    }

private:
    int64_t heads_;
};

}  // namespace

HPCM_OPERATION(summarise, Summarise)

}  // namespace hpcm
