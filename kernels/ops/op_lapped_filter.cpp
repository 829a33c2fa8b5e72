// lapped_filter [x, p (16, 16)]: p on the 8 + 8 samples around every inner border of 16x16 blocks, down columns, then along rows.
#include <vector>

#include "definition.h"
#include "elementwise.h"
#include "operands.h"

namespace hpcm {
namespace {

constexpr int64_t kBlock = 16;

class LappedFilter final : public Operation {
public:
    explicit LappedFilter(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        tensor(x[1], {kBlock, kBlock});
        require(x[0].shape.rows % kBlock == 0 && x[0].shape.columns % kBlock == 0, "a map does not divide into blocks of 16");
        return x[0].shape;
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{kBlock, kBlock, 0, 0, kBlock / 2}; }
    size_t maps(const Operands&) const override { return 1; }
    double work(const Operands&, const Shape& out) const override { return 2.0 * kBlock * static_cast<double>(out.count()); }
    double scratch(const Operands&, const Shape& out, int threads) const override {
        return threads * 16.0 * static_cast<double>(out.columns + 128);
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override { lapped_filter(planes(call[0]), call[1].data, call.out, call.plane); }

    void define(const Call& call) const override {
        const Shape& s = call.shape;
        std::vector<float> down(call[0].data, call[0].data + s.count());
        for (int64_t c = 0; c < s.channels; ++c) {
            float* const plane = down.data() + c * s.pixels();
            for (int64_t i = 8; i + kBlock <= s.rows; i += kBlock) {
                for (int64_t j = 0; j < s.columns; ++j) filter(call[1].data, plane + i * s.columns + j, s.columns);
            }
            for (int64_t i = 0; i < s.rows; ++i) {
                for (int64_t j = 8; j + kBlock <= s.columns; j += kBlock) filter(call[1].data, plane + i * s.columns + j, 1);
            }
        }
        std::copy(down.begin(), down.end(), call.out);
    }

private:
    static void filter(const float* p, float* x, int64_t step) {
        float result[kBlock];
        for (int64_t i = 0; i < kBlock; ++i) {
            float sum = 0.0f;
            for (int64_t j = 0; j < kBlock; ++j) sum = definition::fma(p[i * kBlock + j], x[j * step], sum);
            result[i] = sum + 0.0f;
        }
        for (int64_t i = 0; i < kBlock; ++i) x[i * step] = result[i];
    }
};

}  // namespace

HPCM_OPERATION(lapped_filter, LappedFilter)

}  // namespace hpcm
