// join_summaries [a, b]: with M the greater peak, A = exp(a.peak - M), B = exp(b.peak - M): M, then A a + B b of masses and sums.
#include "bank.h"
#include "definition.h"
#include "op_summary.h"

namespace hpcm {
namespace {

class JoinSummaries final : public Operation {
public:
    explicit JoinSummaries(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 2);
        const Shape& s = x[0].shape;
        require(x[1].shape == s && s.rows == 1 && s.columns > 2 && s.columns <= kMostHeadChannels + 2, "these are no summaries of one shape");
        return s;
    }
    double scratch(const Operands&, const Shape& out, int) const override { return 2.0 * static_cast<double>(out.count()); }

    void run(const Call& call) const override {
        SummaryParts a(call[0]);
        const SummaryParts b(call[1]);
        join_summaries(a.peak.data(), a.mass.data(), a.sums.data(), b.peak.data(), b.mass.data(), b.sums.data(), a.channels, a.width);
        a.store(call.out);
    }

    void define(const Call& call) const override {
        const int64_t columns = call.shape.columns;
        for (int64_t c = 0; c < call.shape.channels; ++c) {
            const float *a = call[0].data + c * columns, *b = call[1].data + c * columns;
            const float top = definition::larger(a[0], b[0]), first = definition::exp(a[0] - top), second = definition::exp(b[0] - top);
            call.out[c * columns] = top;
            for (int64_t i = 1; i < columns; ++i) call.out[c * columns + i] = definition::fma(first, a[i], second * b[i]);
        }
    }
};

}  // namespace

HPCM_OPERATION(join_summaries, JoinSummaries)

}  // namespace hpcm
