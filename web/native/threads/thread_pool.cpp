// The pool of kernels/core/thread_pool.h on WebAssembly's atomics. Its workers are JavaScript's to start (src/threads.js): each has
// an instance of its own of the module, on the same memory, in which it calls serve.
#include "thread_pool.h"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "memory.h"

namespace hpcm {
namespace {

constexpr int kMaxThreads = 256;
// Looks for work before a worker sleeps: some 20 microseconds, as short kernels follow each other.
constexpr int kSpins = 10000;

int g_threads = 1;        // set before any work
thread_local int t_limit = 0;  // of a ThreadLimit; 0: none

// Belongs to its caller, who waits until no worker is inside.
struct Job {
    const size_t count, grain;
    const std::function<void(size_t, size_t)>& body;
    const int limit = t_limit;                        // goes on to what its bodies start
    int seats = limit > 0 ? limit - 1 : kMaxThreads;  // workers that may still join
    std::atomic<size_t> next{0};
    std::atomic<uint32_t> inside{0};
    std::exception_ptr error;
    Mutex mutex;  // of the error
    Job* newer = nullptr;

    Job(size_t count_, size_t grain_, const std::function<void(size_t, size_t)>& body_) : count(count_), grain(grain_), body(body_) {}

    bool exhausted() const { return next.load(std::memory_order_relaxed) >= count; }

    // Takes ranges until none is left.
    void work() {
        const ThreadLimit inherited(limit);
        for (;;) {
            const size_t begin = next.fetch_add(grain, std::memory_order_relaxed);
            if (begin >= count) return;
            try {
                body(begin, std::min(count, begin + grain));
            } catch (...) {
                const std::lock_guard<Mutex> lock(mutex);
                if (!error) error = std::current_exception();
            }
        }
    }

    // The job may be gone when the caller is woken: whoever waits by then at this address looks again.
    void leave() {
        if (inside.fetch_sub(1, std::memory_order_acq_rel) == 1) wake(inside, 1);
    }

    void wait() {
        for (int i = 0; i < kSpins; ++i) {
            if (inside.load(std::memory_order_acquire) == 0) return;
        }
        while (const uint32_t workers = inside.load(std::memory_order_acquire)) wait_while(inside, workers);
    }
};

class Pool {
public:
    void run(Job& job) {
        {
            const std::lock_guard<Mutex> lock(mutex_);
            Job** end = &oldest_;
            while (*end != nullptr) end = &(*end)->newer;
            *end = &job;
        }
        posted_.fetch_add(1, std::memory_order_release);
        wake(posted_, kMaxThreads);
        job.work();
        {
            const std::lock_guard<Mutex> lock(mutex_);
            Job** place = &oldest_;
            while (*place != &job) place = &(*place)->newer;
            *place = job.newer;
        }
        job.wait();
        see_memory();
    }

    [[noreturn]] void serve() {
        for (;;) {
            const uint32_t posted = posted_.load(std::memory_order_acquire);
            if (Job* const job = next_job()) {
                see_memory();
                job->work();
                job->leave();
                continue;
            }
            int left = kSpins;
            while (left > 0 && posted_.load(std::memory_order_acquire) == posted) --left;
            if (left == 0) wait_while(posted_, posted);
        }
    }

private:
    // The oldest job with ranges and a seat left, which is taken; null: there is none.
    Job* next_job() {
        const std::lock_guard<Mutex> lock(mutex_);
        for (Job* job = oldest_; job != nullptr; job = job->newer) {
            if (job->seats > 0 && !job->exhausted()) {
                --job->seats;
                job->inside.fetch_add(1, std::memory_order_relaxed);
                return job;
            }
        }
        return nullptr;
    }

    Mutex mutex_;
    Job* oldest_ = nullptr;
    std::atomic<uint32_t> posted_{0};  // jobs so far, where idle workers wait
};

Pool g_pool;

}  // namespace

ThreadLimit::ThreadLimit(int threads) : before_(t_limit) {
    if (threads > 0) t_limit = threads;
}
ThreadLimit::~ThreadLimit() { t_limit = before_; }

int get_threads() { return t_limit > 0 ? std::min(t_limit, g_threads) : g_threads; }

void set_threads(int threads) {
    if (threads < 1 || threads > kMaxThreads) throw std::invalid_argument("threads must be from 1 to 256");
    g_threads = threads;
}

void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body) {
    if (count <= grain || get_threads() == 1) {
        for (size_t begin = 0; begin < count; begin += grain) body(begin, std::min(count, begin + grain));
        return;
    }
    Job job(count, grain, body);
    g_pool.run(job);
    if (job.error) std::rethrow_exception(job.error);
}

// What a worker's instance does until the worker is ended.
extern "C" __attribute__((export_name("serve"))) void web_serve() { g_pool.serve(); }
// Told the number of threads once all have begun, the caller among them.
extern "C" __attribute__((export_name("threads"))) void web_threads(int threads) { set_threads(threads); }

}  // namespace hpcm
