// slice [x]: first, count. Channels first .. first + count - 1.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Slice final : public Operation {
public:
    explicit Slice(Attributes& a) : first_(a.integer(0, 1 << 30)), count_(a.integer(1, 1 << 30)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        require(first_ + count_ <= x[0].shape.channels, "a slice of channels that are not there");
        return {count_, x[0].shape.rows, x[0].shape.columns};
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    bool strided() const override { return true; }
    std::optional<int64_t> first_channel() const override { return first_; }

    void run(const Call& call) const override {
        copy_planes(call[0].data + first_ * call[0].plane, call[0].plane, call.out, call.plane, count_, call.shape.pixels());
    }

    void define(const Call& call) const override {
        std::copy_n(call[0].data + first_ * call.shape.pixels(), call.shape.count(), call.out);
    }

private:
    int64_t first_, count_;
};

}  // namespace

HPCM_OPERATION(slice, Slice)

}  // namespace hpcm
