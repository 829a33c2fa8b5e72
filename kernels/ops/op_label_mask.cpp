// label_mask []: channels, groups, tile, labels, below, rows, columns (sizes of a part), grid rows, grid columns (sizes) -> (channels,
// grid): 1 where the label is below `below` and the position in the top left part, else 0.
#include "definition.h"
#include "op_labels.h"

namespace hpcm {
namespace {

class LabelMask final : public Operation {
public:
    explicit LabelMask(Attributes& a)
        : labels_(a), below_(a.integer(-1, 1 << 16)), own_rows_(a.size()), own_columns_(a.size()), rows_(a.size()), columns_(a.size()) {}

    Shape shape(const Operands& x, const Grid& grid) const override {
        expect(x, 0);
        return {labels_.channels, rows_.at(grid.rows), columns_.at(grid.columns)};
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const int64_t own_rows = own_rows_.at(call.grid.rows), own_columns = own_columns_.at(call.grid.columns);
        for_rows(call.shape, [&](ptrdiff_t c, ptrdiff_t row) {
            const int64_t *own = labels_.of(c, row), period = labels_.tile.second;
            float* const to = call.out + c * call.plane + row * call.shape.columns;
            const int64_t inside = row < own_rows ? std::min(own_columns, call.shape.columns) : 0;
            for (int64_t j = 0; j < inside; ++j) to[j] = own[j % period] < below_ ? 1.0f : 0.0f;
            std::fill(to + inside, to + call.shape.columns, 0.0f);
        });
    }

    void define(const Call& call) const override {
        const int64_t own_rows = own_rows_.at(call.grid.rows), own_columns = own_columns_.at(call.grid.columns);
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const int64_t group = c * labels_.groups / labels_.channels, p = labels_.tile.first, q = labels_.tile.second;
            const int64_t label = labels_.table[static_cast<size_t>((group * p + i % p) * q + j % q)];
            call.out[place] = label < below_ && i < own_rows && j < own_columns ? 1.0f : 0.0f;
        });
    }

private:
    Labels labels_;
    int64_t below_;
    Size own_rows_, own_columns_, rows_, columns_;
};

}  // namespace

HPCM_OPERATION(label_mask, LabelMask)

}  // namespace hpcm
