#include "arena.h"

#include <algorithm>

namespace hpcm {

int64_t Arena::take(int64_t floats) {
    const int64_t size = rounded(floats);
    auto best = gaps_.end();
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
        if (gap->floats >= size && (best == gaps_.end() || gap->floats < best->floats)) best = gap;
    }
    if (best != gaps_.end()) {
        const int64_t place = best->place;
        best->place += size;
        best->floats -= size;
        if (best->floats == 0) gaps_.erase(best);
        return place;
    }
    int64_t place = size_;
    if (!gaps_.empty() && gaps_.back().place + gaps_.back().floats == size_) {  // the last gap grows
        place = gaps_.back().place;
        gaps_.pop_back();
    }
    size_ = place + size;
    return place;
}

void Arena::give_back(int64_t place, int64_t floats) {
    const int64_t size = rounded(floats);
    auto next = std::find_if(gaps_.begin(), gaps_.end(), [&](const Gap& gap) { return gap.place > place; });
    next = gaps_.insert(next, {place, size});
    if (next + 1 != gaps_.end() && place + size == (next + 1)->place) {
        next->floats += (next + 1)->floats;
        gaps_.erase(next + 1);
    }
    if (next != gaps_.begin() && (next - 1)->place + (next - 1)->floats == place) {
        (next - 1)->floats += next->floats;
        gaps_.erase(next);
    }
}

}  // namespace hpcm
