// concat [x_1, x_2, ...]: along channels.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Concat final : public Operation {
public:
    explicit Concat(Attributes&) {}

    Shape shape(const Operands& x, const Grid&) const override {
        require(!x.empty(), "nothing to join");
        expect(x, x.size());
        Shape s{0, x[0].shape.rows, x[0].shape.columns};
        for (const Operand& part : x) {
            require(part.shape.rows == s.rows && part.shape.columns == s.columns, "maps of different sizes cannot be joined");
            s.channels += part.shape.channels;
        }
        return s;
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        float* to = call.out;
        for (const Operand& x : call.operands) {
            copy_planes(x.data, x.plane, to, call.plane, x.shape.channels, x.shape.pixels());
            to += x.shape.channels * call.plane;
        }
    }

    void define(const Call& call) const override {
        float* to = call.out;
        for (const Operand& x : call.operands) to = std::copy(x.data, x.data + x.shape.count(), to);
    }
};

}  // namespace

HPCM_OPERATION(concat, Concat)

}  // namespace hpcm
