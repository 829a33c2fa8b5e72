// One pool of worker threads for the whole process.
#pragma once

#include <cstddef>
#include <functional>

namespace hpcm {

// Calls body(begin, end) for disjoint ranges that cover 0..count, each of at most grain items, on several threads, and
// returns when all are done. The caller works too, several callers may run at once, and a body may itself call
// parallel_for. Every thread holds an FpGuard while it runs body. The first exception of a body is rethrown here.
void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body);

// While it lives, calls of this thread, and what they start, use at most so many threads; 0 changes nothing.
class ThreadLimit {
public:
    explicit ThreadLimit(int threads);
    ~ThreadLimit();
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;

private:
    int before_;
};

// Number of threads that share the work: HPCM_THREADS or the processors available, until set_threads;
// fewer within a ThreadLimit.
int get_threads();

// Sets it, 1..256; std::invalid_argument otherwise. Results never depend on it.
void set_threads(int threads);

}  // namespace hpcm
