// select [x_1, x_2, ...]: channels, groups, tile, labels, label, parts -> (K, 1, 1). The elements that have the label and lie in
// the top left rows x columns of their map's part.
#include "definition.h"
#include "op_labels.h"

namespace hpcm {
namespace {

class Select final : public Operation {
public:
    explicit Select(Attributes& a) : selection_(a) {}

    Shape shape(const Operands& x, const Grid& grid) const override {
        expect(x, selection_.parts.size());
        require(!x.empty(), "nothing to select from");
        int64_t count = 0;
        for (size_t k = 0; k < x.size(); ++k) {
            const Shape part = selection_.part(k, grid);
            const Shape& s = x[k].shape;
            require(s.channels == part.channels && s.rows >= part.rows && s.columns >= part.columns, "a part lies outside its map");
            count += selection_.count(part);
        }
        return {count, 1, 1};
    }

    double work(const Operands& x, const Shape&) const override {
        double count = 0.0;
        for (const Operand& map : x) count += static_cast<double>(map.shape.count());
        return count;
    }

    void run(const Call& call) const override {
        int64_t first = 0;
        for (size_t k = 0; k < call.operands.size(); ++k) {
            const Operand& x = call[k];
            const Shape part = selection_.part(k, call.grid);
            selection_.for_elements(part, first, [&](int64_t c, int64_t i, int64_t at) {
                const int64_t *own = selection_.labels.of(c, i), period = selection_.labels.tile.second;
                const float* const row = x.data + c * x.plane + i * x.shape.columns;
                float* to = call.out + at;
                for (int64_t j = 0, phase = 0; j < part.columns; ++j, phase = phase + 1 == period ? 0 : phase + 1) {
                    if (own[phase] == selection_.label) *to++ = row[j];
                }
            });
            first += selection_.count(part);
        }
    }

    void define(const Call& call) const override {
        float* to = call.out;
        const Labels& l = selection_.labels;
        for (size_t k = 0; k < call.operands.size(); ++k) {
            const Shape part = selection_.part(k, call.grid), &s = call[k].shape;
            definition::each(part, [&](int64_t c, int64_t i, int64_t j, int64_t) {
                const int64_t group = c * l.groups / l.channels;
                const int64_t label = l.table[static_cast<size_t>((group * l.tile.first + i % l.tile.first) * l.tile.second + j % l.tile.second)];
                if (label == selection_.label) *to++ = call[k].data[(c * s.rows + i) * s.columns + j];
            });
        }
    }

private:
    Selection selection_;
};

}  // namespace

HPCM_OPERATION(select, Select)

}  // namespace hpcm
