// Waiting and mutual exclusion on WebAssembly's atomics: the C++ library that is at hand there has no mutexes.
#pragma once

#include <atomic>
#include <cstdint>

namespace hpcm {

#if defined(__wasm_atomics__)

// Sleeps while a word is what it was; may return early.
inline void wait_while(std::atomic<uint32_t>& word, uint32_t was) {
    __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), static_cast<int>(was), -1);
}

// Ends the sleep of so many that wait at a word.
inline void wake(std::atomic<uint32_t>& word, uint32_t count) { __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word), count); }

class Mutex {
public:
    void lock() {
        uint32_t was = kFree;
        if (state_.compare_exchange_strong(was, kHeld, std::memory_order_acquire)) return;
        while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) wait_while(state_, kAwaited);
    }

    bool try_lock() {
        uint32_t was = kFree;
        return state_.compare_exchange_strong(was, kHeld, std::memory_order_acquire);
    }

    void unlock() {
        if (state_.exchange(kFree, std::memory_order_release) == kAwaited) wake(state_, 1);
    }

private:
    static constexpr uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
    std::atomic<uint32_t> state_{kFree};
};

#else  // a module of one thread

struct Mutex {
    void lock() {}
    void unlock() {}
    bool try_lock() { return true; }
};

#endif

}  // namespace hpcm
