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

}  // namespace hpcm
