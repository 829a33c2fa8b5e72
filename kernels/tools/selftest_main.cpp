// The kernels' self-test as a program: prints "level name hash" for every level of this machine, on 1 and 3 threads.
// `make test-arm` compares its output between processors.
#include <cstdio>

#include "dispatch.h"
#include "selftest.h"
#include "thread_pool.h"

int main() {
    for (const std::string& level : hpcm::available_levels()) {
        hpcm::set_simd_level(level);
        for (const int threads : {1, 3}) {
            hpcm::set_threads(threads);
            for (const auto& [name, hash] : hpcm::self_test()) {
                std::printf("%s %s %s\n", level.c_str(), name.c_str(), hash.c_str());
            }
        }
    }
}
