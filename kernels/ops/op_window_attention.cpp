// window_attention [q, k, v]: window, heads. Softmax attention in windows without overlap, aligned top left, the last ones as
// small as the map makes them; head a has the channels a e .. a e + e - 1.
#include <cmath>
#include <vector>

#include "definition.h"
#include "functions.h"
#include "operands.h"

namespace hpcm {
namespace {

class WindowAttention final : public Operation {
public:
    explicit WindowAttention(Attributes& a) : window_(a.integer(1, 64)), heads_(a.integer(1, 4096)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 3);
        require(x[1].shape == x[0].shape && x[2].shape == x[0].shape, "attention of maps of different shapes");
        require(x[0].shape.channels % heads_ == 0 && x[0].shape.channels > 0, "heads do not divide the channels");
        return x[0].shape;
    }

    std::optional<Reach> reach(const Operands&) const override { return Reach{window_, window_, 0, 0, 0}; }

    double work(const Operands&, const Shape& out) const override {
        return 2.0 * static_cast<double>(out.count()) * static_cast<double>(window_ * window_);
    }
    double scratch(const Operands& x, const Shape&, int threads) const override {
        const double tokens = static_cast<double>((window_ * window_ + 15) / 16 * 16);
        return threads * tokens * (4.0 * static_cast<double>(x[0].shape.channels / heads_) + 16.0);
    }

    void run(const Call& call) const override {
        const Shape& s = call[0].shape;
        window_attention(call[0].data, call[1].data, call[2].data, static_cast<int>(s.channels), static_cast<int>(s.rows),
                         static_cast<int>(s.columns), static_cast<int>(window_), static_cast<int>(heads_), call.out);
    }

    void define(const Call& call) const override {
        const Shape& s = call.shape;
        for (int64_t head = 0; head < heads_; ++head) {
            for (int64_t top = 0; top < s.rows; top += window_) {
                for (int64_t left = 0; left < s.columns; left += window_) attend(call, head, top, left);
            }
        }
    }

private:
    void attend(const Call& call, int64_t head, int64_t top, int64_t left) const {
        const Shape& s = call.shape;
        const int64_t e = s.channels / heads_, first = head * e * s.pixels();
        const float c = static_cast<float>(1.0 / std::sqrt(static_cast<double>(e)));
        std::vector<int64_t> tokens;
        for (int64_t i = top; i < std::min(s.rows, top + window_); ++i) {
            for (int64_t j = left; j < std::min(s.columns, left + window_); ++j) tokens.push_back(first + i * s.columns + j);
        }
        std::vector<float> p(tokens.size());
        for (const int64_t t : tokens) {
            for (size_t u = 0; u < tokens.size(); ++u) {
                float sum = 0.0f;
                for (int64_t b = 0; b < e; ++b) {
                    sum = definition::fma(call[0].data[t + b * s.pixels()], call[1].data[tokens[u] + b * s.pixels()], sum);
                }
                p[u] = sum * c;
            }
            float most = p[0], z = 0.0f;
            for (const float x : p) most = definition::larger(x, most);
            for (float& x : p) {
                x = definition::exp(x - most);
                z = z + x;
            }
            for (int64_t b = 0; b < e; ++b) {
                float sum = 0.0f;
                for (size_t u = 0; u < tokens.size(); ++u) sum = definition::fma(p[u], call[2].data[tokens[u] + b * s.pixels()], sum);
                call.out[t + b * s.pixels()] = sum / z;
            }
        }
    }

    int64_t window_, heads_;
};

}  // namespace

HPCM_OPERATION(window_attention, WindowAttention)

}  // namespace hpcm
