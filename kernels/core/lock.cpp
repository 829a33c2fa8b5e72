#include "lock.h"

#if !defined(_WIN32) && !defined(__wasm__)
#include <pthread.h>
#endif

namespace hpcm {
namespace {

// Never destroyed: threads may still run while the process ends.
Mutex* const g_lock = new Mutex;

#if !defined(_WIN32) && !defined(__wasm__)
[[maybe_unused]] const int g_registered =
    pthread_atfork([] { g_lock->lock(); }, [] { g_lock->unlock(); }, [] { g_lock->unlock(); });
#endif

}  // namespace

Mutex& process_lock() { return *g_lock; }

}  // namespace hpcm
