#include "trellis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "dispatch.h"
#include "rans_decode.h"
#include "result_memory.h"
#include "thread_pool.h"

namespace hpcm {

Trellis::Trellis(const float* levels, size_t rows, const TableSet& tables) : levels_(levels), rows_(rows), tables_(tables) {
    if (rows == 0 || tables.size() != 3 * rows) throw std::invalid_argument("a trellis needs tables with three times its rows");
    for (size_t i = 0; i < 2 * rows; ++i) {
        const float* l = levels + 4 * i;
        // within 2^24, so that no value is infinite; a comparison with NaN is false
        if (!(0.0f < l[0] && l[0] < l[1] && l[1] < l[2] && l[2] <= 16777216.0f && 0.0f < l[3] && l[3] <= 16777216.0f))
            throw std::invalid_argument("the levels of a trellis must be positive and rise");
    }
}

void Trellis::check_rows(const uint16_t* rows, size_t n) const {
    uint16_t highest = 0;
    for (size_t i = 0; i < n; ++i) highest = std::max(highest, rows[i]);
    if (highest >= rows_) throw std::invalid_argument("rows: index " + std::to_string(highest) + " of " + std::to_string(rows_) + " rows");
}

namespace {

// The code's states as lookups.
struct Machine {
    uint8_t quantiser[kTrellisStates], next[kTrellisStates][2];

    constexpr Machine() : quantiser(), next() {
        for (int state = 0; state < kTrellisStates; ++state) {
            quantiser[state] = uint8_t(trellis_quantiser(state));
            for (int parity = 0; parity < 2; ++parity) next[state][parity] = uint8_t(next_trellis_state(state, parity));
        }
    }
};
constexpr Machine kMachine;

}  // namespace

void decode_trellis(RansDecoder& decoder, const Trellis& trellis, const uint16_t* rows, float* values, size_t n) {
    trellis.check_rows(rows, n);
    uint8_t state = 0;
    decoder.decode_each(
        n, [&](size_t i) { return trellis.table_row(kMachine.quantiser[state], rows[i]); },
        [&](size_t i, int32_t symbol) {
            values[i] = trellis.value(kMachine.quantiser[state], rows[i], symbol);
            state = kMachine.next[state][symbol & 1];
        });
}

// ------------------------------------------------------------------------------------------------ Viterbi's algorithm
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kSettled = 32;    // symbols after which costs are brought down: small numbers keep their precision
constexpr size_t kGrain = 2048;    // symbols whose branches one thread finds at a time

// The best symbol of parity p with quantiser q, number 2 * q + p, and its cost.
struct Branches {
    int32_t symbol[4];
    float cost[4];
};

using Costs = float[kTrellisStates];

void consider(const Trellis& trellis, float residual, size_t row, int quantiser, int32_t magnitude, float strength, float weight,
              Branches& branches) {
    const float error = std::fabs(residual) - trellis.level(quantiser, row, uint32_t(magnitude));
    const int32_t symbol = residual < 0 ? -magnitude : magnitude;
    const float bits = symbol_cost(symbol, trellis.tables()[trellis.table_row(quantiser, row)]);
    const float cost = weight * (error * error) + strength * bits;
    const int branch = 2 * quantiser + (magnitude & 1);
    if (cost < branches.cost[branch]) {
        branches.cost[branch] = cost;
        branches.symbol[branch] = symbol;
    }
}

void find_branches(const Trellis& trellis, float residual, size_t row, float strength, float weight, Branches& branches) {
    if (!(residual > -16777216.0f && residual < 16777216.0f)) throw std::invalid_argument("residual is not a finite number in range");
    std::fill(branches.cost, branches.cost + 4, kInfinity);
    for (int quantiser = 0; quantiser < 2; ++quantiser) {
        const float step = trellis.step(quantiser, row);
        const float position = std::fabs(residual) / step + (quantiser ? 0.5f : 0.0f);
        const int32_t below = int32_t(std::min(position, 1e9f));
        for (int32_t m = std::max(below - 1, 0); m <= below + 1; ++m)
            consider(trellis, residual, row, quantiser, m, strength, weight, branches);
        if (below > 1) consider(trellis, residual, row, quantiser, 0, strength, weight, branches);
    }
}

// Megabytes for each step of a picture: kept from one to the next.
template <typename T>
class Memory {
public:
    explicit Memory(size_t count) : block_(ResultMemory::take(count * sizeof(T))) {}
    ~Memory() { block_->give_back(); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    T& operator[](size_t i) const { return static_cast<T*>(block_->data())[i]; }

private:
    ResultMemory* block_;
};

void settle(Costs& costs) {
    const float least = *std::min_element(costs, costs + kTrellisStates);
    for (float& cost : costs) cost -= least;
}

}  // namespace

void trellis_quantise(const float* residual, const uint16_t* rows, size_t n, const Trellis& trellis, float strength, float weight,
                      int32_t* symbols, uint16_t* table_rows, float* values) {
    trellis.check_rows(rows, n);
    // Not initialised: every element is written before it is read.
    const Memory<Branches> branches(n);
    const Memory<int32_t> choices(n * kTrellisChoices);
    parallel_for(n, kGrain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) find_branches(trellis, residual[i], rows[i], strength, weight, branches[i]);
    });
    Costs a, b, *costs = &a, *next = &b;
    std::fill(a, a + kTrellisStates, kInfinity);
    a[0] = 0.0f;
    const TrellisOps& kernels = ops().trellis;
    for (size_t i = 0; i < n; ++i, std::swap(costs, next)) {
        kernels.advance(*costs, branches[i].cost, *next, &choices[i * kTrellisChoices]);
        if (i % kSettled == 0) settle(*next);
    }
    int state = int(std::min_element(*costs, *costs + kTrellisStates) - *costs);
    for (size_t i = n; i-- > 0;) {
        const int input = state & 1;
        state = state / 2 + (kernels.from_high(&choices[i * kTrellisChoices], state) ? kTrellisStates / 2 : 0);
        const int quantiser = kMachine.quantiser[state], parity = kMachine.next[state][0] % 2 ^ input;
        symbols[i] = branches[i].symbol[2 * quantiser + parity];
        table_rows[i] = uint16_t(trellis.table_row(quantiser, rows[i]));
        values[i] = trellis.value(quantiser, rows[i], symbols[i]);
    }
}

}  // namespace hpcm
