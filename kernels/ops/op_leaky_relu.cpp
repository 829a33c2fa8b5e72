// leaky_relu [x]: slope. x where x > 0, else x slope.
#include "op_element.h"

namespace hpcm {
namespace {

class LeakyRelu final : public ElementOperation {
public:
    explicit LeakyRelu(Attributes& a) : slope_(a.number()) {}
    std::optional<float> leaky_slope() const override { return slope_; }

    void run(const Call& call) const override {
        const auto kernel = ops().elementwise.leaky_relu;
        map_planes(call, [&](const float* x, size_t count, float* out) { kernel(x, count, slope_, out); });
    }
    void define(const Call& call) const override {
        for (int64_t i = 0; i < call.shape.count(); ++i) call.out[i] = definition::leaky(call[0].data[i], slope_);
    }

private:
    float slope_;
};

}  // namespace

HPCM_OPERATION(leaky_relu, LeakyRelu)

}  // namespace hpcm
