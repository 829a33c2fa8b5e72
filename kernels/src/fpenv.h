// Floating-point state of the current thread: nearest even, subnormals kept, exceptions masked.
//
// Other libraries switch a whole thread to flush-to-zero, so every entry from Python and every pool worker's job holds a
// guard; the host's state returns when it ends.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace hpcm {

class FpGuard {
public:
#if defined(__x86_64__)
    FpGuard() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
    ~FpGuard() { _mm_setcsr(saved_); }

private:
    unsigned saved_;
#elif defined(__aarch64__)
    FpGuard() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        write(0);
    }
    ~FpGuard() { write(saved_); }

private:
    static void write(uint64_t value) { __asm__ volatile("msr fpcr, %0\n\tisb" : : "r"(value) : "memory"); }
    uint64_t saved_;
#else
#error "supported processors: x86-64 and AArch64"
#endif
public:
    FpGuard(const FpGuard&) = delete;
    FpGuard& operator=(const FpGuard&) = delete;
};

}  // namespace hpcm
