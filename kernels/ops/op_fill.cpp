// fill []: channels, rows, columns (sizes), number. A map of one number.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Fill final : public Operation {
public:
    explicit Fill(Attributes& a) : channels_(a.integer(1, 1 << 20)), rows_(a.size()), columns_(a.size()), value_(a.number()) {}

    Shape shape(const Operands& x, const Grid& grid) const override {
        expect(x, 0);
        return {channels_, rows_.at(grid.rows), columns_.at(grid.columns)};
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        for_planes(call.shape.channels, call.shape.pixels(), [&](ptrdiff_t c, size_t begin, size_t end) {
            std::fill(call.out + c * call.plane + begin, call.out + c * call.plane + end, value_);
        });
    }

    void define(const Call& call) const override { std::fill_n(call.out, call.shape.count(), value_); }

private:
    int64_t channels_;
    Size rows_, columns_;
    float value_;
};

}  // namespace

HPCM_OPERATION(fill, Fill)

}  // namespace hpcm
