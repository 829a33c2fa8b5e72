// attend_summary [q, s]: heads. At every position and in every head: the softmax of q over the head's channels, times sums / mass.
#include "conv.h"
#include "definition.h"
#include "functions.h"
#include "op_summary.h"

namespace hpcm {
namespace {

class AttendSummary final : public Operation {
public:
    explicit AttendSummary(Attributes& a) : heads_(a.integer(1, 4096)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        const int64_t width = head_width(x[0].shape.channels, heads_);
        require(x[1].shape == Shape{x[0].shape.channels, 1, width + 2}, "a summary does not fit its queries");
        return x[0].shape;
    }
    double work(const Operands&, const Shape& out) const override {
        return static_cast<double>(out.count()) * static_cast<double>(16 + out.channels / heads_);
    }
    double scratch(const Operands& x, const Shape& out, int threads) const override {
        return static_cast<double>(out.count() / heads_ + x[1].shape.count()) + threads * 65536.0;
    }

    void run(const Call& call) const override {
        const Shape& s = call.shape;
        const int64_t e = s.channels / heads_;
        std::vector<float> weights(static_cast<size_t>(e * s.pixels())), mixing(static_cast<size_t>(e * e));
        for (int64_t head = 0; head < heads_; ++head) {
            const ptrdiff_t first = head * e * s.pixels();
            softmax(call[0].data + first, static_cast<int>(e), static_cast<size_t>(s.pixels()), weights.data());
            for (int64_t c = 0; c < e; ++c) {
                for (int64_t f = 0; f < e; ++f) mixing[static_cast<size_t>(f * e + c)] = mix(call[1], head * e + c, f);
            }
            conv1x1({weights.data(), static_cast<int>(e), static_cast<int>(s.rows), static_cast<int>(s.columns)}, mixing.data(), nullptr,
                    static_cast<int>(e), call.out + first);
        }
    }

    void define(const Call& call) const override {
        const Shape& s = call.shape;
        const int64_t e = s.channels / heads_, pixels = s.pixels();
        std::vector<float> n(static_cast<size_t>(e));
        for (int64_t head = 0; head < heads_; ++head) {
            for (int64_t at = 0; at < pixels; ++at) {
                const float* const q = call[0].data + head * e * pixels + at;
                float top = q[0], sum = 0.0f;
                for (int64_t c = 0; c < e; ++c) top = definition::larger(top, q[c * pixels]);
                for (int64_t c = 0; c < e; ++c) {
                    n[static_cast<size_t>(c)] = definition::exp(q[c * pixels] - top);
                    sum = sum + n[static_cast<size_t>(c)];
                }
                for (int64_t f = 0; f < e; ++f) {
                    float out = 0.0f;
                    for (int64_t c = 0; c < e; ++c) out = definition::fma(mix(call[1], head * e + c, f), n[static_cast<size_t>(c)] / sum, out);
                    call.out[(head * e + f) * pixels + at] = out + 0.0f;
                }
            }
        }
    }

private:
    static float mix(const Operand& s, int64_t channel, int64_t f) {
        const float* row = s.data + channel * s.shape.columns;
        return row[2 + f] / row[1];
    }

    int64_t heads_;
};

}  // namespace

HPCM_OPERATION(attend_summary, AttendSummary)

}  // namespace hpcm
