#include "result_memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace hpcm {
namespace {

constexpr size_t kSmall = 64 * 1024;         // below, the allocator itself is quick
constexpr size_t kKept = 48 * 1024 * 1024;   // bytes that wait for a next use, in all

constexpr size_t kHugePage = 2 * 1024 * 1024;

std::align_val_t alignment_of(size_t size) { return std::align_val_t{size >= 2 * kHugePage ? kHugePage : 64}; }

// Large blocks ask for huge pages: a picture's arrays take thousands of page faults otherwise.
void* allocate(size_t size) {
    void* const data = ::operator new(size, alignment_of(size));
#if defined(__linux__)
    if (alignment_of(size) == std::align_val_t{kHugePage}) madvise(data, size / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return data;
}

// Who finds the shelf busy does without it: nothing waits here, and a process forked meanwhile is not stuck.
struct Shelf {
    Shelf() { blocks.reserve(kKept / kSmall); }  // so that giving back never allocates
    std::mutex mutex;
    std::vector<ResultMemory*> blocks;
    size_t bytes = 0;
};

// Never destroyed: arrays may be dropped while the process ends.
Shelf& shelf() {
    static Shelf* const the_shelf = new Shelf;
    return *the_shelf;
}

}  // namespace

ResultMemory* ResultMemory::take(size_t bytes) {
    if (bytes >= kSmall) {
        Shelf& s = shelf();
        const std::unique_lock<std::mutex> lock(s.mutex, std::try_to_lock);
        ResultMemory** best = nullptr;
        if (lock) {
            for (ResultMemory*& block : s.blocks) {
                const bool fits = block->size_ >= bytes && block->size_ / 2 <= bytes;
                if (fits && (!best || block->size_ < (*best)->size_)) best = &block;
            }
        }
        if (best) {
            ResultMemory* const block = *best;
            *best = s.blocks.back();
            s.blocks.pop_back();
            s.bytes -= block->size_;
            return block;
        }
    }
    const size_t size = std::max<size_t>(bytes, 1);
    std::unique_ptr<ResultMemory> block(new ResultMemory(nullptr, size));
    block->data_ = allocate(size);
    return block.release();
}

void ResultMemory::give_back() noexcept {
    if (size_ >= kSmall) {
        Shelf& s = shelf();
        const std::unique_lock<std::mutex> lock(s.mutex, std::try_to_lock);
        if (lock && s.bytes + size_ <= kKept) {
            s.blocks.push_back(this);
            s.bytes += size_;
            return;
        }
    }
    ::operator delete(data_, alignment_of(size_));
    delete this;
}

}  // namespace hpcm
