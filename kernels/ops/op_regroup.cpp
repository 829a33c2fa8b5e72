// regroup [x_0, x_1, ...]: out_groups, out_tile [p, q], in_groups [..], in_tiles [[r, s], ..], table. A periodic gather: the
// result's channels fall into groups and its positions into tiles, and so do those of the inputs; table[(group p + u) q + v] is
// null, for zeros, or [k, group, row, column] of the inputs.
#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

constexpr int64_t kMostGroups = 4096, kMostTile = 64;
constexpr size_t kMostEntries = 1 << 16;

struct Place {
    int input = -1;  // negative: zeros
    int group = 0, row = 0, column = 0;
};

struct Source {
    int64_t groups;
    int rows, columns;  // of a tile
};

class Regroup final : public Operation {
public:
    explicit Regroup(Attributes& a) : groups_(a.integer(1, kMostGroups)), tile_(a.pair(1, kMostTile)) {
        for (const int64_t groups : a.integers(64, 1, kMostGroups)) sources_.push_back({groups, 1, 1});
        const auto& tiles = a.next().items();
        if (tiles.size() != sources_.size()) a.fail("inputs with groups and without tiles");
        for (size_t k = 0; k < tiles.size(); ++k) {
            const auto& pair = tiles[k].items();
            if (pair.size() != 2) a.fail("a tile is not [rows, columns]");
            sources_[k].rows = bounded(a, pair[0], kMostTile + 1);
            sources_[k].columns = bounded(a, pair[1], kMostTile + 1);
            if (sources_[k].rows < 1 || sources_[k].columns < 1) a.fail("a tile is empty");
        }
        const auto& table = a.next().items();
        if (table.size() > kMostEntries || static_cast<int64_t>(table.size()) != groups_ * tile_.first * tile_.second) {
            a.fail("the table does not fit the result");
        }
        for (const Json& entry : table) table_.push_back(read(a, entry));
    }

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, sources_.size());
        const int64_t width = x[0].shape.channels / sources_[0].groups;
        const int64_t down = x[0].shape.rows / sources_[0].rows, across = x[0].shape.columns / sources_[0].columns;
        for (size_t k = 0; k < x.size(); ++k) {
            require(x[k].shape == Shape{width * sources_[k].groups, down * sources_[k].rows, across * sources_[k].columns},
                    "maps do not fall into the groups and tiles of a regrouping");
        }
        return {groups_ * width, down * tile_.first, across * tile_.second};
    }
    bool strided() const override { return true; }

    void run(const Call& call) const override {
        const int64_t width = call.shape.channels / groups_, across = call.shape.columns / tile_.second;
        for_rows(call.shape, [&](ptrdiff_t channel, ptrdiff_t row) {
            const int64_t group = channel / width, u = row % tile_.first, ty = row / tile_.first, q = tile_.second;
            float* const to = call.out + channel * call.plane + row * call.shape.columns;
            for (int64_t v = 0; v < q; ++v) {
                const Place& place = table_[static_cast<size_t>((group * tile_.first + u) * q + v)];
                if (place.input < 0) {
                    for (int64_t t = 0; t < across; ++t) to[t * q + v] = 0.0f;
                    continue;
                }
                const Source& source = sources_[static_cast<size_t>(place.input)];
                const Operand& x = call[static_cast<size_t>(place.input)];
                const float* from = x.data + (place.group * width + channel % width) * x.plane +
                                    (ty * source.rows + place.row) * x.shape.columns + place.column;
                const int64_t s = source.columns;
                if (q == 1 && s == 1) {
                    std::copy_n(from, across, to);
                } else if (s == 1) {
                    for (int64_t t = 0; t < across; ++t) to[t * q + v] = from[t];
                } else {
                    for (int64_t t = 0; t < across; ++t) to[t * q + v] = from[t * s];
                }
            }
        });
    }

    void define(const Call& call) const override {
        const int64_t width = call.shape.channels / groups_;
        definition::each(call.shape, [&](int64_t c, int64_t i, int64_t j, int64_t place) {
            const int64_t p = tile_.first, q = tile_.second;
            const Place& from = table_[static_cast<size_t>((c / width * p + i % p) * q + j % q)];
            call.out[place] = 0.0f;
            if (from.input < 0) return;
            const Source& source = sources_[static_cast<size_t>(from.input)];
            call.out[place] = definition::at(call[static_cast<size_t>(from.input)], from.group * width + c % width,
                                             i / p * source.rows + from.row, j / q * source.columns + from.column);
        });
    }

private:
    static int bounded(const Attributes& a, const Json& json, int64_t below) {
        const int64_t value = json.integer();
        if (value < 0 || value >= below) a.fail("a place lies outside its map");
        return static_cast<int>(value);
    }

    Place read(const Attributes& a, const Json& entry) const {
        if (entry.is(Json::Kind::null)) return {};
        const auto& items = entry.items();
        if (items.size() != 4) a.fail("a place is not [input, group, row, column]");
        const int input = bounded(a, items[0], static_cast<int64_t>(sources_.size()));
        const Source& source = sources_[static_cast<size_t>(input)];
        return {input, bounded(a, items[1], source.groups), bounded(a, items[2], source.rows), bounded(a, items[3], source.columns)};
    }

    int64_t groups_;
    std::pair<int, int> tile_;
    std::vector<Source> sources_;
    std::vector<Place> table_;
};

}  // namespace

HPCM_OPERATION(regroup, Regroup)

}  // namespace hpcm
