// Elements of maps by label: element (c, y, x) of a map of `channels` channels has the label
// labels[(floor(c groups / channels) p + y mod p) q + x mod q].
#pragma once

#include <vector>

#include "operands.h"

namespace hpcm {

struct Labels {
    int64_t channels, groups;
    std::pair<int, int> tile;
    std::vector<int64_t> table;

    // Attributes: channels, groups, tile, labels.
    explicit Labels(Attributes& a)
        : channels(a.integer(1, 1 << 20)), groups(a.integer(1, 4096)), tile(a.pair(1, 64)), table(a.integers(1 << 16, -1, 1 << 15)) {
        if (static_cast<int64_t>(table.size()) != groups * tile.first * tile.second) a.fail("labels do not fill their table");
    }

    // Those of a row of a channel, one for each column mod tile.second.
    const int64_t* of(int64_t channel, int64_t row) const {
        return table.data() + (channel * groups / channels * tile.first + row % tile.first) * tile.second;
    }
};

// The elements with one label in the top left parts of some maps, in the order (map, channel, row, column).
struct Selection {
    Labels labels;
    int64_t label;
    std::vector<std::pair<Size, Size>> parts;

    // Attributes: those of labels, label, parts.
    explicit Selection(Attributes& a) : labels(a), label(a.integer(-1, 1 << 15)) {
        for (const Json& part : a.next().items()) {
            if (parts.size() == 16 || part.items().size() != 2) a.fail("a part is not [rows, columns], or there are too many");
            parts.emplace_back(read_size(part.items()[0]), read_size(part.items()[1]));
        }
    }

    Shape part(size_t i, const Grid& grid) const {
        const Shape s{labels.channels, parts[i].first.at(grid.rows), parts[i].second.at(grid.columns)};
        require(s.rows <= kMostSide && s.columns <= kMostSide, "a part is beyond all bounds");
        return s;
    }

    // How many elements a row of a part has.
    int64_t count(int64_t channel, int64_t row, int64_t columns) const {
        const int64_t *own = labels.of(channel, row), period = labels.tile.second, rest = columns % period;
        int64_t found = 0;
        for (int64_t j = 0; j < period; ++j) found += own[j] == label ? columns / period + (j < rest) : 0;
        return found;
    }

    // How many elements a part has. Channels of a group have as many each.
    int64_t count(const Shape& part) const {
        int64_t found = 0;
        for (int64_t g = 0; g < labels.groups; ++g) {
            const int64_t first = first_of(g), last = first_of(g + 1);
            if (first < last) found += (last - first) * of_channel(part, first);
        }
        return found;
    }

    // Calls body(channel, row, first) for every row of a part on all threads: its first element has that number.
    template <typename Body>
    void for_elements(const Shape& part, int64_t first, Body body) const {
        std::vector<int64_t> starts(static_cast<size_t>(part.channels) + 1, first);
        for (int64_t c = 0; c < part.channels; ++c) {
            starts[static_cast<size_t>(c) + 1] = starts[static_cast<size_t>(c)] + of_channel(part, c);
        }
        const size_t grain = std::max<size_t>(1, kGrain / static_cast<size_t>(std::max<int64_t>(1, part.pixels())));
        parallel_for(static_cast<size_t>(part.channels), grain, [&](size_t begin, size_t end) {
            for (size_t c = begin; c < end; ++c) {
                int64_t at = starts[c];
                for (int64_t i = 0; i < part.rows; ++i) {
                    body(static_cast<int64_t>(c), i, at);
                    at += count(static_cast<int64_t>(c), i, part.columns);
                }
            }
        });
    }

private:
    static constexpr int64_t kMostSide = 1 << 20;

    int64_t first_of(int64_t group) const { return (group * labels.channels + labels.groups - 1) / labels.groups; }

    int64_t of_channel(const Shape& part, int64_t channel) const {
        int64_t found = 0;
        const int64_t period = labels.tile.first;
        for (int64_t i = 0; i < std::min(period, part.rows); ++i) {
            found += count(channel, i, part.columns) * ((part.rows - i + period - 1) / period);
        }
        return found;
    }
};

}  // namespace hpcm
