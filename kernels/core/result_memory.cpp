#include "result_memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__linux__) && defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "lock.h"

namespace hpcm {
namespace {

constexpr std::align_val_t kAlign{64};
constexpr size_t kSmall = 64 * 1024;         // below, the allocator itself is quick
constexpr size_t kKept = 48 * 1024 * 1024;   // bytes that wait for a next use, in all

#if defined(__linux__)

constexpr size_t kMapped = 1024 * 1024;      // from here on, memory of the block's own
constexpr size_t kHugePage = 2 * 1024 * 1024;
constexpr size_t kPages = 64 * 1024;         // a multiple of every page size

size_t up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

// Begins on a huge page if it has several, and asks for them: a picture's arrays take thousands of page faults otherwise.
void* map(size_t size) {
    const bool huge = size >= 2 * kHugePage;
    const size_t used = up(size, kPages), all = used + (huge ? kHugePage : 0);
    void* const found = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED) throw std::bad_alloc();
    if (!huge) return found;
    char* const begin = static_cast<char*>(found);
    char* const data = begin + (up(reinterpret_cast<size_t>(begin), kHugePage) - reinterpret_cast<size_t>(begin));
    if (data != begin) munmap(begin, data - begin);
    if (data + used != begin + all) munmap(data + used, begin + all - (data + used));
    madvise(data, size / kHugePage * kHugePage, MADV_HUGEPAGE);
    return data;
}

// Maps of one operation and maps of a whole traversal, side by side in the allocator's heap, leave holes between them that
// nothing fits into. What is mapped alone is the system's again when it is dropped.
void* allocate(size_t size) { return size >= kMapped ? map(size) : ::operator new(size, kAlign); }

void release(void* data, size_t size) noexcept {
    if (size >= kMapped) {
        munmap(data, up(size, kPages));
    } else {
        ::operator delete(data, kAlign);
    }
}

#else

void* allocate(size_t size) { return ::operator new(size, kAlign); }
void release(void* data, size_t) noexcept { ::operator delete(data, kAlign); }

#endif

// Who finds the shelf busy does without it: nothing waits here, and a process forked meanwhile is not stuck.
struct Shelf {
    Shelf() { blocks.reserve(kKept / kSmall); }  // so that giving back never allocates
    Mutex mutex;
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
        const std::unique_lock<Mutex> lock(s.mutex, std::try_to_lock);
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
        const std::unique_lock<Mutex> lock(s.mutex, std::try_to_lock);
        if (lock && s.bytes + size_ <= kKept) {
            s.blocks.push_back(this);
            s.bytes += size_;
            return;
        }
    }
    release(data_, size_);
    delete this;
}

#if defined(__linux__) && defined(__GLIBC__)
// Setting it keeps glibc from raising it, to 32 MB, with every large block that is freed: arrays would lie in its heap then
// and leave holes. How much of the heap's end may stay free would be raised along with it.
void map_large_blocks() {
    mallopt(M_MMAP_THRESHOLD, int(kMapped));
    mallopt(M_TRIM_THRESHOLD, 4 * int(kMapped));
}
#else
void map_large_blocks() {}
#endif

}  // namespace hpcm
