// What a module with threads needs beside runtime.cpp: the toolchain's C and C++ libraries for WebAssembly know one thread alone.
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lock.h"

namespace {

hpcm::Mutex g_memory;

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

}  // namespace

extern "C" {

// The linker's option --wrap sends every call of these functions here (build.sh).
#define HPCM_LOCKED(type, name, parameters, arguments)            \
    type __real_##name parameters;                                \
    type __wrap_##name parameters {                               \
        const std::lock_guard<hpcm::Mutex> lock(g_memory);        \
        return __real_##name arguments;                           \
    }
HPCM_LOCKED(void*, malloc, (size_t size), (size))
HPCM_LOCKED(void*, calloc, (size_t count, size_t size), (count, size))
HPCM_LOCKED(void*, realloc, (void* data, size_t size), (data, size))
HPCM_LOCKED(void*, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
HPCM_LOCKED(int, posix_memalign, (void** data, size_t alignment, size_t size), (data, alignment, size))
HPCM_LOCKED(void, free, (void* data), (data))
#undef HPCM_LOCKED

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
