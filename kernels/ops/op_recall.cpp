// recall [q, key_1 .. key_n, value_1 .. value_n]: n, topk, temperature. At every position: the topk entries whose keys have the
// largest products with q, the earlier of equals first; their values, weighted by the softmax of product / temperature. Queries
// and keys may be of one position for all.
#include <algorithm>
#include <vector>

#include "bank.h"
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Recall final : public Operation {
public:
    explicit Recall(Attributes& a)
        : n_(static_cast<int>(a.integer(1, kMostEntries))), topk_(static_cast<int>(std::min<int64_t>(a.integer(1, kMostEntries), n_))),
          temperature_(a.positive()) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1 + 2 * static_cast<size_t>(n_));
        const Shape &q = x[0].shape, &first = value(x, 0).shape;
        require(q.pixels() == 1 || (q.rows == first.rows && q.columns == first.columns), "queries and values of different sizes");
        for (int e = 0; e < n_; ++e) require(key(x, e).shape == q && value(x, e).shape == first, "entries of different shapes");
        return first;
    }
    double work(const Operands& x, const Shape& out) const override {
        return static_cast<double>(n_) * static_cast<double>(out.pixels()) * static_cast<double>(x[0].shape.channels + 2 * out.channels + 32);
    }

    void run(const Call& call) const override {
        const float *keys[kMostEntries], *values[kMostEntries];
        for (int e = 0; e < n_; ++e) {
            keys[e] = key(call.operands, e).data;
            values[e] = value(call.operands, e).data;
        }
        const size_t pixels = static_cast<size_t>(call.shape.pixels());
        recall({call[0].data, keys, values, call.out, n_, topk_, static_cast<int>(call[0].shape.channels),
                static_cast<int>(call.shape.channels), pixels, pixels, call[0].shape.pixels() == 1, temperature_});
    }

    void define(const Call& call) const override {
        const int64_t pixels = call.shape.pixels(), places = call[0].shape.pixels();
        const float sharpness = 1.0f / temperature_;
        for (int64_t i = 0; i < pixels; ++i) {
            const int64_t at = places == 1 ? 0 : i;
            std::vector<float> scores;
            std::vector<int> order;
            for (int e = 0; e < n_; ++e) {
                float sum = 0.0f;
                for (int64_t c = 0; c < call[0].shape.channels; ++c) {
                    sum = definition::fma(call[0].data[c * places + at], key(call.operands, e).data[c * places + at], sum);
                }
                scores.push_back(sum);
                order.push_back(e);
            }
            std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)]; });
            float p[kMostEntries], total = 0.0f;
            for (int r = 0; r < topk_; ++r) {
                p[r] = definition::exp((scores[static_cast<size_t>(order[static_cast<size_t>(r)])] - scores[static_cast<size_t>(order[0])]) * sharpness);
                total = r == 0 ? p[r] : total + p[r];
            }
            for (int64_t c = 0; c < call.shape.channels; ++c) {
                float sum = 0.0f;
                for (int r = 0; r < topk_; ++r) {
                    sum = definition::fma(p[r] / total, value(call.operands, order[static_cast<size_t>(r)]).data[c * pixels + i], sum);
                }
                call.out[c * pixels + i] = sum;
            }
        }
    }

private:
    static const Operand& key(const Operands& x, int e) { return x[1 + static_cast<size_t>(e)]; }
    const Operand& value(const Operands& x, int e) const { return x[1 + static_cast<size_t>(n_ + e)]; }

    int n_, topk_;
    float temperature_;
};

}  // namespace

HPCM_OPERATION(recall, Recall)

}  // namespace hpcm
