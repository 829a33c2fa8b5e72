#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>

#include "bindings.h"
#include "dispatch.h"
#include "fpenv.h"
#include "result_memory.h"
#include "selftest.h"
#include "thread_pool.h"

namespace hpcm {

#if defined(_MSC_FULL_VER) && !defined(__clang__)
#define HPCM_TEXT_(number) #number
#define HPCM_TEXT(number) HPCM_TEXT_(number)
constexpr char kCompiler[] = "MSVC " HPCM_TEXT(_MSC_FULL_VER);
#elif defined(__clang__)
constexpr char kCompiler[] = "Clang " __clang_version__;
#else
constexpr char kCompiler[] = "GCC " __VERSION__;
#endif

namespace {

// The best of several short trials: other load only ever slows one down.
double multiply_add_rate() {
    using Clock = std::chrono::steady_clock;
    const RateOps& rate = ops().rate;
    constexpr double kTrial = 0.002;  // seconds
    double best = 0;
    int64_t rounds = 64;
    volatile float result = 0;
    for (int trial = 0; trial < 20;) {
        const Clock::time_point start = Clock::now();
        result = rate.chains(rounds);
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (seconds < kTrial) {
            rounds *= 2;
            continue;
        }
        best = std::max(best, static_cast<double>(rounds) * rate.multiply_adds / seconds);
        ++trial;
    }
    static_cast<void>(result);
    return best;
}

}  // namespace

void bind_runtime(pybind11::module_& module) {
    module.attr("compiler") = kCompiler;
    module.def("map_large_blocks", &map_large_blocks);
    module.def("get_threads", &get_threads);
    module.def("set_threads", &set_threads, pybind11::arg("threads"),
               pybind11::call_guard<pybind11::gil_scoped_release>());  // joins the workers of the old pool
    module.def("enter_fp_environment", [] {  // returns what leave_fp_environment takes
        const uint64_t saved = fp_state();
        set_fp_state(kNormativeFpState);
        return saved;
    });
    module.def("leave_fp_environment", &set_fp_state, pybind11::arg("saved"));
    module.def("simd_level", [] { return std::string(ops().name); });
    module.def("available_levels", &available_levels);
    module.def("set_simd_level", &set_simd_level, pybind11::arg("name"));
    module.def("multiply_add_rate", &multiply_add_rate, pybind11::call_guard<pybind11::gil_scoped_release>());
    module.def("self_test", &self_test, pybind11::call_guard<pybind11::gil_scoped_release>());
}

}  // namespace hpcm
