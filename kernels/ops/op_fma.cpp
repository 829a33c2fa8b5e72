// fma [a, b, c]: a b + c, rounded once.
#include "op_broadcast.h"

namespace hpcm {
namespace {

class Fma final : public Broadcasting {
public:
    explicit Fma(Attributes&) : Broadcasting(3) {}

    void run(const Call& call) const override {
        const auto kernel = ops().elementwise.fma_mixed;
        for_runs(call, [&](const float* const* from, const bool* each, size_t count, float* out) { kernel(from, each, count, out); });
    }
    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] =
                definition::fma(definition::at(call[0], c, i, j), definition::at(call[1], c, i, j), definition::at(call[2], c, i, j));
        });
    }
};

}  // namespace

HPCM_OPERATION(fma, Fma)

}  // namespace hpcm
