#include "result_memory.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace hpcm {
namespace {

constexpr std::align_val_t kAlign{64};
constexpr size_t kSmall = 64 * 1024;         // below, the allocator itself is quick
constexpr size_t kKept = 48 * 1024 * 1024;   // bytes that wait for a next use, in all

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
    block->data_ = ::operator new(size, kAlign);
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
    ::operator delete(data_, kAlign);
    delete this;
}

}  // namespace hpcm
