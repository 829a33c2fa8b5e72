// Places of maps in one piece of memory, found before it is taken: the same place serves maps that are not needed at once.
#pragma once

#include <cstdint>
#include <vector>

namespace hpcm {

class Arena {
public:
    // A place for so many floats, as close as fits, on a cache line.
    int64_t take(int64_t floats);
    void give_back(int64_t place, int64_t floats);
    int64_t floats() const { return size_; }  // of all places ever taken

private:
    struct Gap {
        int64_t place, floats;
    };
    static int64_t rounded(int64_t floats) { return (floats + 15) / 16 * 16 + (floats == 0 ? 16 : 0); }

    std::vector<Gap> gaps_;  // by place, never side by side
    int64_t size_ = 0;
};

}  // namespace hpcm
