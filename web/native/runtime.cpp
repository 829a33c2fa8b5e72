// What the toolchain's C++ library, which is made without exceptions, lacks beside the sources that build.sh takes from it.
#include <cstddef>
#include <cstdlib>
#include <new>

// The tag that C++ exceptions are thrown with.
__asm__(
    ".globl __cpp_exception\n"
    ".tagtype __cpp_exception i32\n"
    "__cpp_exception:\n");

// Objects of a thread live as long as its instance.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) noexcept { return 0; }

namespace {

void* take(size_t size, size_t alignment) {
    size = size == 0 ? 1 : size;
    void* const found = alignment <= alignof(std::max_align_t) ? std::malloc(size)
                                                               : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (found == nullptr) throw std::bad_alloc();
    return found;
}

}  // namespace

void* operator new(size_t size) { return take(size, 1); }
void* operator new[](size_t size) { return take(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) { return take(size, size_t(alignment)); }
void* operator new[](size_t size, std::align_val_t alignment) { return take(size, size_t(alignment)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* data) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete(void* data, size_t) noexcept { std::free(data); }
void operator delete[](void* data, size_t) noexcept { std::free(data); }
void operator delete(void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete[](void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete(void* data, size_t, std::align_val_t) noexcept { std::free(data); }
void operator delete[](void* data, size_t, std::align_val_t) noexcept { std::free(data); }
