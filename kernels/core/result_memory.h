// Memory of results. Large blocks are kept for the next result of about the same size when Python drops an array: pages
// fresh from the system would cost a decoder, which makes and drops hundreds of arrays, a good part of its time.
#pragma once

#include <cstddef>
#include <memory>

namespace hpcm {

class ResultMemory {
public:
    // At least `bytes`, aligned to cache lines, not initialised. Throws std::bad_alloc.
    static ResultMemory* take(size_t bytes);
    void* data() { return data_; }
    void give_back() noexcept;

private:
    ResultMemory(void* data, size_t size) : data_(data), size_(size) {}
    void* data_;
    size_t size_;
};

// Such memory for as long as something lives.
struct GiveBack {
    void operator()(ResultMemory* memory) const noexcept { memory->give_back(); }
};
using HeldMemory = std::unique_ptr<ResultMemory, GiveBack>;

// Has the C library map every large block singly from now on, arrays of numpy too, so that they are the system's again when
// they are dropped. For processes of our own; does nothing where it has no such setting.
void map_large_blocks();

}  // namespace hpcm
