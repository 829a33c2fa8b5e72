// Arithmetic of two or three maps, element by element; axes of length 1 repeat.
#pragma once

#include <vector>

#include "definition.h"
#include "dispatch.h"
#include "operands.h"

namespace hpcm {

class Broadcasting : public Operation {
public:
    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, operands_);
        Shape s = x[0].shape;
        for (const Operand& y : x) {
            s.channels = joined(s.channels, y.shape.channels);
            s.rows = joined(s.rows, y.shape.rows);
            s.columns = joined(s.columns, y.shape.columns);
        }
        return s;
    }
    std::optional<Reach> reach(const Operands&) const override { return Reach{}; }
    bool in_place() const override { return true; }
    bool strided() const override { return true; }

protected:
    explicit Broadcasting(size_t operands) : operands_(operands) {}

    // Calls kernel(from, each, count, out) for runs of elements: from[k] is where operand k's begin, each[k] whether it has
    // one for every element or one for all.
    template <typename Kernel>
    void for_runs(const Call& call, Kernel kernel) const {
        const Shape& s = call.shape;
        bool dense = call.plane == s.pixels() || s.channels == 1, whole = true;
        for (const Operand& x : call.operands) {
            dense = dense && (x.shape.count() == 1 || (x.shape == s && (x.plane == s.pixels() || s.channels == 1)));
            whole = whole && ((x.shape.rows == s.rows && x.shape.columns == s.columns) || x.shape.pixels() == 1);
        }
        if (dense) {
            for_planes(1, s.count(), [&](ptrdiff_t, size_t begin, size_t end) {
                const float* at[3];
                bool step[3];
                for (size_t k = 0; k < operands_; ++k) {
                    step[k] = call[k].shape.count() == s.count();
                    at[k] = call[k].data + (step[k] ? begin : 0);
                }
                kernel(at, step, end - begin, call.out + begin);
            });
            return;
        }
        if (whole) {
            for_planes(s.channels, s.pixels(), [&](ptrdiff_t c, size_t begin, size_t end) {
                const float* at[3];
                bool step[3];
                for (size_t k = 0; k < operands_; ++k) {
                    const Operand& x = call[k];
                    step[k] = x.shape.pixels() != 1;
                    at[k] = x.data + (x.shape.channels == 1 ? 0 : c * x.plane) + (step[k] ? begin : 0);
                }
                kernel(at, step, end - begin, call.out + c * call.plane + begin);
            });
            return;
        }
        for_rows(s, [&](ptrdiff_t c, ptrdiff_t row) {
            const float* at[3];
            bool step[3];
            for (size_t k = 0; k < operands_; ++k) {
                const Operand& x = call[k];
                step[k] = x.shape.columns != 1;
                at[k] = x.data + (x.shape.channels == 1 ? 0 : c * x.plane) + (x.shape.rows == 1 ? 0 : row * x.shape.columns);
            }
            kernel(at, step, static_cast<size_t>(s.columns), call.out + c * call.plane + row * s.columns);
        });
    }

private:
    static int64_t joined(int64_t a, int64_t b) {
        require(a == b || a == 1 || b == 1, "arithmetic of maps whose shapes do not fit");
        return a == 1 ? b : a;
    }

    size_t operands_;
};

// Of two maps, by the kernel of this kind and a definition for two numbers.
template <Binary kind, float (*one)(float, float)>
class BinaryOperation final : public Broadcasting {
public:
    explicit BinaryOperation(Attributes&) : Broadcasting(2) {}
    bool adds() const override { return kind == Binary::add; }

    void run(const Call& call) const override {
        const auto kernel = ops().elementwise.binary[static_cast<int>(kind)];
        for_runs(call, [&](const float* const* from, const bool* each, size_t count, float* out) {
            kernel(from[0], each[0], from[1], each[1], count, out);
        });
    }
    void define(const Call& call) const override {
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] = one(definition::at(call[0], c, i, j), definition::at(call[1], c, i, j));
        });
    }
};

}  // namespace hpcm
