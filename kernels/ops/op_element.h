// What operations on each element of one map have in common.
#pragma once

#include "definition.h"
#include "dispatch.h"
#include "operands.h"

namespace hpcm {

class ElementOperation : public Operation {
public:
    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 1);
        return x[0].shape;
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    bool in_place() const override { return true; }
    bool strided() const override { return true; }
};

// By a kernel and its definition for one number.
using ElementKernel = void (*)(const float* x, size_t count, float* out);

template <ElementKernel (*kernel)(), float (*one)(float), int cost>
class ElementFunctionOf final : public ElementOperation {
public:
    explicit ElementFunctionOf(Attributes&) {}
    double work(const Operands&, const Shape& out) const override { return cost * static_cast<double>(out.count()); }
    void run(const Call& call) const override { map_planes(call, kernel()); }
    void define(const Call& call) const override {
        for (int64_t i = 0; i < call.shape.count(); ++i) call.out[i] = one(call[0].data[i]);
    }
};

}  // namespace hpcm
