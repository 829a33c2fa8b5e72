#include "dispatch.h"

#include "portable.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#if defined(HPCM_X86_64) && !defined(HPCM_MSVC)
#include <cpuid.h>
#endif

namespace hpcm {

#if defined(HPCM_WASM)
namespace wasm {
extern const Ops kOps;
}
#else
namespace scalar {
extern const Ops kOps;
}
#endif
#if defined(HPCM_X86_64)
namespace avx2 {
extern const Ops kOps;
}
namespace avx512 {
extern const Ops kOps;
}
#elif defined(HPCM_AARCH64)
namespace neon {
extern const Ops kOps;
}
#endif

namespace {

#if defined(HPCM_X86_64)

// Levels that the processor has and whose registers the operating system saves.
struct Runs {
    bool avx2, avx512;
};

// The processor is asked itself: what compilers bring for that is not initialised by every one of their runtimes.
void ask(int leaf, unsigned (&registers)[4]) {
#if defined(HPCM_MSVC)
    int found[4];
    __cpuidex(found, leaf, 0);
    for (int i = 0; i < 4; ++i) registers[i] = unsigned(found[i]);
#else
    __cpuid_count(leaf, 0, registers[0], registers[1], registers[2], registers[3]);
#endif
}

// Registers that the operating system saves, by bits.
unsigned saved_registers() {
#if defined(HPCM_MSVC)
    return unsigned(_xgetbv(0));
#else
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

Runs runs() {
    unsigned basic[4], wide[4];  // eax, ebx, ecx, edx
    ask(0, basic);
    if (basic[0] < 7) return {false, false};
    ask(1, basic);
    ask(7, wide);
    const auto has = [](unsigned flags, int bit) { return (flags >> bit & 1) != 0; };
    const unsigned saved = has(basic[2], 27) ? saved_registers() : 0;
    const bool avx2 = has(basic[2], 12) && has(wide[1], 5) && (saved & 0x06) == 0x06;  // with fma
#if defined(HPCM_EMULATE_AVX512)
    return {avx2, avx2};  // tests: the level is made of AVX2 instructions
#else
    const bool avx512 = has(wide[1], 16) && has(wide[1], 17) && has(wide[1], 30) && has(wide[1], 31);  // f, dq, bw, vl
    return {avx2, avx2 && avx512 && (saved & 0xe6) == 0xe6};
#endif
}

#endif

#if defined(HPCM_WASM)

std::vector<const Ops*> supported() { return {&wasm::kOps}; }  // one level alone: code is fetched over the network

#else

std::vector<const Ops*> supported() {
    std::vector<const Ops*> levels{&scalar::kOps};
#if defined(HPCM_X86_64)
    const Runs here = runs();
    if (here.avx2) levels.push_back(&avx2::kOps);
    if (here.avx512) levels.push_back(&avx512::kOps);
#elif defined(HPCM_AARCH64)
    levels.push_back(&neon::kOps);
#endif
    return levels;
}

#endif

const Ops* find(const std::string& name) {
    std::string known;
    for (const Ops* level : supported()) {
        if (name == level->name) return level;
        known += std::string(known.empty() ? "" : ", ") + level->name;
    }
    throw std::invalid_argument("SIMD level '" + name + "' is not available on this machine; choose one of: " + known);
}

std::atomic<const Ops*> g_ops{nullptr};

}  // namespace

const Ops& ops() {
    const Ops* current = g_ops.load(std::memory_order_acquire);
    if (current == nullptr) {
        const char* wanted = std::getenv("HPCM_SIMD");
        current = wanted != nullptr && *wanted != '\0' ? find(wanted) : supported().back();
        g_ops.store(current, std::memory_order_release);
    }
    return *current;
}

std::vector<std::string> available_levels() {
    std::vector<std::string> names;
    for (const Ops* level : supported()) names.emplace_back(level->name);
    return names;
}

void set_simd_level(const std::string& name) { g_ops.store(find(name), std::memory_order_release); }

}  // namespace hpcm
