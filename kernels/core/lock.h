// Mutual exclusion of threads; a build without threads (HPCM_SINGLE_THREAD: WebAssembly) has nothing to exclude.
#pragma once

#include <mutex>

namespace hpcm {

#if defined(HPCM_SINGLE_THREAD)
struct Mutex {
    void lock() {}
    void unlock() {}
    bool try_lock() { return true; }
};
#else
using Mutex = std::mutex;
#endif

// One lock of the whole process for what lives longer than a call, such as the models that a decoder knows. fork() waits
// for it, so that a child finds it open and finds whole what it guards, whatever other threads of its parent were doing.
// To be held for a look or a change of some pointers only: never while anything is read, unpacked or called back.
Mutex& process_lock();

}  // namespace hpcm
