// Mutual exclusion of threads.
#pragma once

#include <mutex>

#if defined(__wasm__)
#include "lock_wasm.h"
#else
namespace hpcm {
using Mutex = std::mutex;
}
#endif

namespace hpcm {

// One lock of the whole process for what lives longer than a call, such as the models that a decoder knows. fork() waits
// for it, so that a child finds it open and finds whole what it guards, whatever other threads of its parent were doing.
// To be held for a look or a change of some pointers only: never while anything is read, unpacked or called back.
Mutex& process_lock();

}  // namespace hpcm
