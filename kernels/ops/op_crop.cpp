// crop [x]: top, left, rows, columns (sizes). A rectangle of the map.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

class Crop final : public Operation {
public:
    explicit Crop(Attributes& a) : top_(a.size()), left_(a.size()), rows_(a.size()), columns_(a.size()) {}

    Shape shape(const Operands& x, const Grid& grid) const override {
        expect(x, 1);
        const Shape s{x[0].shape.channels, rows_.at(grid.rows), columns_.at(grid.columns)};
        require(top_.at(grid.rows) + s.rows <= x[0].shape.rows && left_.at(grid.columns) + s.columns <= x[0].shape.columns,
                "a rectangle lies outside its map");
        return s;
    }
    std::optional<Reach> reach(const Operands&) const override {
        if (top_.mul != 0 || left_.mul != 0) return std::nullopt;
        return Reach{};
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const int64_t top = top_.at(call.grid.rows), left = left_.at(call.grid.columns);
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            const float* from = call[0].data + c * call[0].plane + (top + row) * call[0].shape.columns + left;
            std::copy_n(from, call.shape.columns, call.out + c * call.plane + row * call.shape.columns);
        });
    }

    void define(const Call& call) const override {
        const int64_t top = top_.at(call.grid.rows), left = left_.at(call.grid.columns);
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            call.out[place] = call[0].data[(c * call[0].shape.rows + top + i) * call[0].shape.columns + left + j];
        });
    }

private:
    Size top_, left_, rows_, columns_;
};

}  // namespace

HPCM_OPERATION(crop, Crop)

}  // namespace hpcm
