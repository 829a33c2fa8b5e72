// Floating-point state of the current thread: nearest even, subnormals kept, exceptions masked.
//
// Other libraries switch a whole thread to flush-to-zero, so every entry from Python and every pool worker's job holds a
// guard; the host's state returns when it ends.
#pragma once

#include "portable.h"

#include <cstdint>

#if defined(HPCM_X86_64)
#include <xmmintrin.h>
#endif

namespace hpcm {

#if defined(HPCM_X86_64)
constexpr uint64_t kNormativeFpState = 0x1f80;
inline uint64_t fp_state() { return _mm_getcsr(); }
inline void set_fp_state(uint64_t state) { _mm_setcsr(static_cast<unsigned>(state)); }
#elif defined(HPCM_AARCH64)
constexpr uint64_t kNormativeFpState = 0;
inline uint64_t fp_state() {
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    return state;
}
inline void set_fp_state(uint64_t state) { __asm__ volatile("msr fpcr, %0\n\tisb" : : "r"(state) : "memory"); }
#else  // WebAssembly knows no other state
constexpr uint64_t kNormativeFpState = 0;
inline uint64_t fp_state() { return kNormativeFpState; }
inline void set_fp_state(uint64_t) {}
#endif

class FpGuard {
public:
    FpGuard() : saved_(fp_state()) { set_fp_state(kNormativeFpState); }
    ~FpGuard() { set_fp_state(saved_); }
    FpGuard(const FpGuard&) = delete;
    FpGuard& operator=(const FpGuard&) = delete;

private:
    uint64_t saved_;
};

}  // namespace hpcm
