// place [values (K, 1, 1)]: channels, groups, tile, labels, label, parts, index, rows, columns (sizes) -> (channels, rows, columns).
// The inverse of select for its map number `index`: that map's elements at their places, zeros elsewhere.
#include "definition.h"
#include "op_labels.h"

namespace hpcm {
namespace {

class Place final : public Operation {
public:
    explicit Place(Attributes& a) : selection_(a), index_(static_cast<size_t>(a.integer(0, 15))), rows_(a.size()), columns_(a.size()) {
        if (index_ >= selection_.parts.size()) a.fail("a part that is not there");
    }

    Shape shape(const Operands& x, const Grid& grid) const override {
        expect(x, 1);
        int64_t count = 0;
        for (size_t k = 0; k < selection_.parts.size(); ++k) count += selection_.count(selection_.part(k, grid));
        vector_of(x[0], count);
        const Shape part = selection_.part(index_, grid), s{part.channels, rows_.at(grid.rows), columns_.at(grid.columns)};
        require(part.rows <= s.rows && part.columns <= s.columns, "a part lies outside its map");
        return s;
    }

    void run(const Call& call) const override {
        const Shape part = selection_.part(index_, call.grid), &s = call.shape;
        for_planes(1, s.count(), [&](ptrdiff_t, size_t begin, size_t end) { std::fill(call.out + begin, call.out + end, 0.0f); });
        selection_.for_elements(part, first(call.grid), [&](int64_t c, int64_t i, int64_t at) {
            const int64_t *own = selection_.labels.of(c, i), period = selection_.labels.tile.second;
            float* const row = call.out + (c * s.rows + i) * s.columns;
            const float* from = call[0].data + at;
            for (int64_t j = 0, phase = 0; j < part.columns; ++j, phase = phase + 1 == period ? 0 : phase + 1) {
                if (own[phase] == selection_.label) row[j] = *from++;
            }
        });
    }

    void define(const Call& call) const override {
        const Labels& l = selection_.labels;
        const Shape part = selection_.part(index_, call.grid);
        const float* from = call[0].data + first(call.grid);
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const int64_t group = c * l.groups / l.channels;
            const int64_t label = l.table[static_cast<size_t>((group * l.tile.first + i % l.tile.first) * l.tile.second + j % l.tile.second)];
            call.out[place] = label == selection_.label && i < part.rows && j < part.columns ? *from++ : 0.0f;
        });
    }

private:
    int64_t first(const Grid& grid) const {
        int64_t count = 0;
        for (size_t k = 0; k < index_; ++k) count += selection_.count(selection_.part(k, grid));
        return count;
    }

    Selection selection_;
    size_t index_;
    Size rows_, columns_;
};

}  // namespace

HPCM_OPERATION(place, Place)

}  // namespace hpcm
