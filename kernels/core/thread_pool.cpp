#include "thread_pool.h"

#include <algorithm>
#include <atomic>
#include <bitset>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fpenv.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <pthread.h>
#include <sched.h>
#endif

namespace hpcm {
namespace {

constexpr int kMaxThreads = 256;
// A decoder calls hundreds of short kernels in a row: a worker that looks for work for some 20 microseconds before it
// sleeps saves most wake-ups.
constexpr int kSpins = 500;

inline void pause() {
#if defined(HPCM_X86_64)
    _mm_pause();
#else
    __asm__ volatile("yield");
#endif
}

thread_local int t_limit = 0;  // of a ThreadLimit; 0: none

struct Job {
    size_t count, grain;
    int limit = t_limit;                // goes on to what its bodies start
    int seats = limit > 0 ? limit - 1 : kMaxThreads;  // workers that may still join
    const std::function<void(size_t, size_t)>* body;
    std::atomic<size_t> next{0};
    std::atomic<size_t> unfinished;
    std::mutex mutex;
    std::condition_variable finished;
    std::exception_ptr error;

    Job(size_t count_, size_t grain_, const std::function<void(size_t, size_t)>* body_)
        : count(count_), grain(grain_), body(body_), unfinished((count_ + grain_ - 1) / grain_) {}

    bool exhausted() const { return next.load(std::memory_order_relaxed) >= count; }

    // Takes ranges until none is left.
    void work() {
        const FpGuard guard;
        const ThreadLimit inherited(limit);
        for (;;) {
            const size_t begin = next.fetch_add(grain, std::memory_order_relaxed);
            if (begin >= count) return;
            try {
                (*body)(begin, std::min(count, begin + grain));
            } catch (...) {
                const std::lock_guard<std::mutex> lock(mutex);
                if (!error) error = std::current_exception();
            }
            if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                const std::lock_guard<std::mutex> lock(mutex);
                finished.notify_all();
            }
        }
    }

    void wait() {
        for (int i = 0; i < kSpins; ++i) {
            if (unfinished.load(std::memory_order_acquire) == 0) return;
            pause();
        }
        std::unique_lock<std::mutex> lock(mutex);
        finished.wait(lock, [this] { return unfinished.load(std::memory_order_acquire) == 0; });
    }
};

class Pool {
public:
    explicit Pool(int threads) {
        workers_.reserve(static_cast<size_t>(threads));
        try {
            for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
        } catch (const std::exception&) {
            // The system gives no more threads. Those that run share the work: results do not depend on how many.
        }
    }

    ~Pool() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) worker.join();
    }

    void run(const std::shared_ptr<Job>& job) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            jobs_.push_back(job);
            pending_.store(jobs_.size(), std::memory_order_release);
        }
        wake_.notify_all();
        job->work();
        job->wait();
    }

private:
    // A job with ranges and a seat left, or null when the pool stops. Workers share the oldest one.
    std::shared_ptr<Job> next_job() {
        for (int i = 0; i < kSpins && pending_.load(std::memory_order_acquire) == 0; ++i) pause();
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            while (!jobs_.empty() && jobs_.front()->exhausted()) jobs_.pop_front();
            pending_.store(jobs_.size(), std::memory_order_release);
            if (stop_) return nullptr;
            for (const std::shared_ptr<Job>& job : jobs_) {
                if (job->seats > 0 && !job->exhausted()) {
                    --job->seats;
                    return job;
                }
            }
            wake_.wait(lock);
        }
    }

    void serve() {
        while (const std::shared_ptr<Job> job = next_job()) job->work();
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::shared_ptr<Job>> jobs_;
    std::atomic<size_t> pending_{0};
    bool stop_ = false;
    std::vector<std::thread> workers_;
};

int parse_threads(const char* text) {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 1 || value > kMaxThreads) {
        throw std::invalid_argument("HPCM_THREADS is '" + std::string(text) + "'; it must be a number from 1 to 256");
    }
    return static_cast<int>(value);
}

int default_threads() {
    const char* wanted = std::getenv("HPCM_THREADS");
    if (wanted != nullptr && *wanted != '\0') return parse_threads(wanted);
    // What the process may use: respects taskset and container limits, unlike the number of processors.
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
#elif defined(_WIN32)
    DWORD_PTR mask, of_system;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mask, &of_system) && mask != 0) {
        return std::clamp(static_cast<int>(std::bitset<64>(mask).count()), 1, kMaxThreads);
    }
#endif
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

struct State {
    std::mutex mutex;
    std::shared_ptr<Pool> pool;
    int threads = 0;  // 0: not chosen yet
};

// Never destroyed: workers may still run while the process exits.
State* g_state = new State;

#if !defined(_WIN32)

// A forked child has none of its parent's threads, and the locks may be held: it starts afresh and leaks the old state.
void reset_after_fork() {
    State* fresh = new State;
    fresh->threads = g_state->threads;
    g_state = fresh;
}

[[maybe_unused]] const int g_registered = pthread_atfork(nullptr, nullptr, reset_after_fork);

#endif

int threads_locked(State& state) {
    if (state.threads == 0) state.threads = default_threads();
    return state.threads;
}

}  // namespace

ThreadLimit::ThreadLimit(int threads) : before_(t_limit) {
    if (threads > 0) t_limit = threads;
}

ThreadLimit::~ThreadLimit() { t_limit = before_; }

int get_threads() {
    const std::lock_guard<std::mutex> lock(g_state->mutex);
    const int threads = threads_locked(*g_state);
    return t_limit > 0 ? std::min(t_limit, threads) : threads;
}

void set_threads(int threads) {
    if (threads < 1 || threads > kMaxThreads) throw std::invalid_argument("threads must be from 1 to 256");
    std::shared_ptr<Pool> retired;  // joined after the lock is released, when its last user is done
    const std::lock_guard<std::mutex> lock(g_state->mutex);
    if (threads == g_state->threads) return;
    g_state->threads = threads;
    retired.swap(g_state->pool);
}

void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body) {
    if (count == 0) return;
    std::shared_ptr<Pool> pool;
    if (count > grain && t_limit != 1) {
        const std::lock_guard<std::mutex> lock(g_state->mutex);
        if (threads_locked(*g_state) > 1) {
            if (!g_state->pool) g_state->pool = std::make_shared<Pool>(g_state->threads);
            pool = g_state->pool;
        }
    }
    if (!pool) {
        const FpGuard guard;
        for (size_t begin = 0; begin < count; begin += grain) body(begin, std::min(count, begin + grain));
        return;
    }
    const auto job = std::make_shared<Job>(count, grain, &body);
    pool->run(job);
    if (job->error) std::rethrow_exception(job->error);
}

}  // namespace hpcm
