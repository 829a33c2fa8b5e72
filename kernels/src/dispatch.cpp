#include "dispatch.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace hpcm {

namespace scalar {
extern const Ops kOps;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Ops kOps;
}
namespace avx512 {
extern const Ops kOps;
}
#elif defined(__aarch64__)
namespace neon {
extern const Ops kOps;
}
#endif

namespace {

#if defined(HPCM_EMULATE_AVX512)
bool avx512_runs() { return true; }  // tests: the level is made of AVX2 instructions
#elif defined(__x86_64__)
bool avx512_runs() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

// __builtin_cpu_supports also asks the operating system (xgetbv) whether it saves the wide registers.
std::vector<const Ops*> supported() {
    std::vector<const Ops*> levels{&scalar::kOps};
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2) levels.push_back(&avx2::kOps);
    if (avx2 && avx512_runs()) levels.push_back(&avx512::kOps);
#elif defined(__aarch64__)
    levels.push_back(&neon::kOps);
#endif
    return levels;
}

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
