// Many callers at once, for the thread sanitizer: the self-test in several threads while their number changes, and one
// stream that two threads read, of which one at a time gets its turn. Exit code 0 if all results are right.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "rans.h"
#include "selftest.h"
#include "thread_pool.h"

namespace {

bool selftests_agree() {
    const auto expected = hpcm::self_test();
    std::atomic<int> wrong{0}, running{3};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) {
        callers.emplace_back([&] {
            if (hpcm::self_test() != expected) ++wrong;
            --running;
        });
    }
    for (int n = 1; running; n = n % 4 + 1) {
        hpcm::set_threads(n);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    for (std::thread& caller : callers) caller.join();
    return wrong == 0;
}

bool stream_has_one_reader() {
    const int32_t cdf[] = {0, 40000, 65000, 65536}, start = 0, length = 4, offset = 0;
    const hpcm::TableSet tables(cdf, 4, &start, &length, &offset, 1);
    const size_t portion = 50, portions = 400;
    const std::vector<uint16_t> rows(portion * portions, 0);
    std::vector<int32_t> symbols(rows.size());
    for (size_t i = 0; i < symbols.size(); ++i) symbols[i] = int32_t(i % 2);
    const std::vector<uint8_t> stream = hpcm::rans_encode(symbols.data(), rows.data(), rows.size(), tables);
    hpcm::RansDecoder decoder(stream.data(), stream.size(), tables);
    std::atomic<size_t> left{portions}, wrong{0};
    const auto read = [&] {
        std::vector<int32_t> part(portion);
        for (size_t mine = left; mine > 0;) {
            if (!left.compare_exchange_strong(mine, mine - 1)) continue;
            for (bool done = false; !done;) {
                try {
                    decoder.decode(rows.data(), part.data(), portion);
                    done = true;
                } catch (const std::logic_error&) {  // the other thread's turn
                    std::this_thread::yield();
                }
            }
            for (size_t i = 0; i < portion; ++i) wrong += part[i] != int32_t(i % 2);  // portions are even and alike
            mine = left;
        }
    };
    std::thread one(read), two(read);
    one.join();
    two.join();
    decoder.finish();
    return wrong == 0;
}

}  // namespace

int main() {
    const bool agree = selftests_agree(), alone = stream_has_one_reader();
    std::printf("callers agree: %d, one reader at a time: %d\n", agree, alone);
    return agree && alone ? 0 : 1;
}
