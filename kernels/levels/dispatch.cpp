#include "dispatch.h"

#include "portable.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

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

#if defined(HPCM_MSVC)
Runs runs() {
    int basic[4], wide[4];  // eax, ebx, ecx, edx
    __cpuid(basic, 0);
    if (basic[0] < 7) return {false, false};
    __cpuid(basic, 1);
    __cpuidex(wide, 7, 0);
    const auto has = [](int flags, int bit) { return (flags >> bit & 1) != 0; };
    const unsigned long long saved = has(basic[2], 27) ? _xgetbv(0) : 0;
    const bool avx2 = has(basic[2], 12) && has(wide[1], 5) && (saved & 0x06) == 0x06;  // with fma
    const bool avx512 = has(wide[1], 16) && has(wide[1], 17) && has(wide[1], 30) && has(wide[1], 31);  // f, dq, bw, vl
    return {avx2, avx2 && avx512 && (saved & 0xe6) == 0xe6};
}
#else
Runs runs() {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#if defined(HPCM_EMULATE_AVX512)
    const bool avx512 = true;  // tests: the level is made of AVX2 instructions
#else
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return {avx2, avx2 && avx512};
}
#endif

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
