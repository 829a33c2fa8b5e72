// The pool of kernels/core/thread_pool.h where there is one thread: every range is worked through in order.
#include "thread_pool.h"

#include <algorithm>
#include <stdexcept>

namespace hpcm {

namespace {
int t_limit = 0;  // kept and never asked for: one thread is below any
}  // namespace

ThreadLimit::ThreadLimit(int threads) : before_(t_limit) {
    if (threads > 0) t_limit = threads;
}
ThreadLimit::~ThreadLimit() { t_limit = before_; }

int get_threads() { return 1; }

void set_threads(int threads) {
    if (threads < 1) throw std::invalid_argument("threads must be from 1 to 256");
}

void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body) {
    for (size_t begin = 0; begin < count; begin += grain) body(begin, std::min(count, begin + grain));
}

}  // namespace hpcm
