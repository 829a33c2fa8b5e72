// signed_log_feature [v, s0 (C)] -> 2C channels: sign(v) m, then m, with m = log1p(|v| / s0).
#include "definition.h"
#include "functions.h"
#include "operands.h"

namespace hpcm {
namespace {

class SignedLogFeature final : public Operation {
public:
    explicit SignedLogFeature(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        vector_of(x[1], x[0].shape.channels);
        return {2 * x[0].shape.channels, x[0].shape.rows, x[0].shape.columns};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    size_t maps(const Operands&) const override { return 1; }
    double work(const Operands&, const Shape& out) const override { return 16.0 * static_cast<double>(out.count()); }

    void run(const Call& call) const override {
        const Shape& s = call[0].shape;
        signed_log_feature(call[0].data, static_cast<int>(s.channels), static_cast<size_t>(s.pixels()), call[1].data, call.out);
    }

    void define(const Call& call) const override {
        const Shape& s = call[0].shape;
        definition::each(s, [&](int64_t c, int64_t, int64_t, int64_t place) {
            const float v = call[0].data[place], m = definition::log1p(std::fabs(v) / call[1].data[c]);
            call.out[place] = v > 0.0f ? m : v < 0.0f ? -m : 0.0f;
            call.out[s.count() + place] = m;
        });
    }
};

}  // namespace

HPCM_OPERATION(signed_log_feature, SignedLogFeature)

}  // namespace hpcm
