// What a module with threads needs beside runtime.cpp: the toolchain's C and C++ libraries for WebAssembly know one thread alone.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "memory.h"

namespace {

hpcm::Mutex g_memory;
std::atomic<size_t> g_pages{0};  // what the memory has grown to, by the thread that grew it

// A static variable's guard: its first byte says that it is made, the second that a thread is at it.
hpcm::Mutex g_guards;
std::atomic<uint32_t> g_made{0};

int leave_guard(uint8_t* guard, uint8_t made) {
    {
        const std::lock_guard<hpcm::Mutex> lock(g_guards);
        guard[1] = 0;
        __atomic_store_n(&guard[0], made, __ATOMIC_RELEASE);
        g_made.fetch_add(1, std::memory_order_release);
    }
    hpcm::wake(g_made, UINT32_MAX);
    return 0;
}

template <typename T>
T seen(T result) {
    if (__builtin_wasm_memory_size(0) > g_pages.load()) g_pages.store(__builtin_wasm_memory_size(0));
    hpcm::see_memory();
    return result;
}

}  // namespace

void hpcm::see_memory() {
    while (__builtin_wasm_memory_size(0) < g_pages.load()) __asm__ volatile("" ::: "memory");
}

extern "C" {

// All that is compiled here asks for memory by these names instead (build.sh).
#define HPCM_LOCKED(type, name, parameters, arguments)     \
    type locked_##name parameters {                        \
        const std::lock_guard<hpcm::Mutex> lock(g_memory); \
        return seen(name arguments);                       \
    }
HPCM_LOCKED(void*, malloc, (size_t size), (size))
HPCM_LOCKED(void*, calloc, (size_t count, size_t size), (count, size))
HPCM_LOCKED(void*, realloc, (void* data, size_t size), (data, size))
HPCM_LOCKED(void*, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
HPCM_LOCKED(int, posix_memalign, (void** data, size_t alignment, size_t size), (data, alignment, size))
#undef HPCM_LOCKED
void locked_free(void* data) {
    const std::lock_guard<hpcm::Mutex> lock(g_memory);
    free(data);
}

// What a thread knows of its exceptions: the Itanium C++ ABI's structure of them, which the library has once.
void* __cxa_get_globals() {
    static thread_local struct {
        void* caught;
        unsigned uncaught;
    } globals;
    return &globals;
}
void* __cxa_get_globals_fast() { return __cxa_get_globals(); }

int __cxa_guard_acquire(uint8_t* guard) {
    for (;;) {
        const uint32_t made = g_made.load(std::memory_order_acquire);
        {
            const std::lock_guard<hpcm::Mutex> lock(g_guards);
            if (guard[0] != 0) return 0;
            if (guard[1] == 0) return guard[1] = 1;
        }
        hpcm::wait_while(g_made, made);
    }
}
void __cxa_guard_release(uint8_t* guard) { leave_guard(guard, 1); }
void __cxa_guard_abort(uint8_t* guard) { leave_guard(guard, 0); }

}
