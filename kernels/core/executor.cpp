#include "executor.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "arena.h"
#include "dispatch.h"
#include "fpenv.h"
#include "result_memory.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr size_t kGrain = 16 * 1024;  // elements of a task

size_t at(int value) { return static_cast<size_t>(value); }

std::vector<int> outputs_of(const Entry& entry) {
    std::vector<int> values;
    for (const Output& output : entry.outputs) values.push_back(output.value);
    return values;
}

void copy(const float* from, size_t count, float* to) {
    parallel_for(count, 4 * kGrain, [&](size_t begin, size_t end) { std::copy(from + begin, from + end, to + begin); });
}

}  // namespace

// Where values lie during a run.
struct Executor::Memory {
    const Executor& of;
    const std::vector<const float*>& inputs;
    const std::vector<float*>& results;
    float* base;

    // Of a root; writable unless it is an input.
    float* root(int value) const {
        if (of.entry_.node(value) == nullptr) return const_cast<float*>(inputs[at(value)]);
        const int result = of.result_of_[at(value)];
        return result >= 0 ? results[at(result)] : base + of.offsets_[at(value)];
    }

    float* data(int value) const {
        const Place& place = of.fusion_.places[at(value)];
        return root(place.root) + place.channel * of.shapes_[at(place.root)].pixels();
    }

    Operand operand(const Source& source) const {
        return source.value < 0 ? source.constant : Operand::map(data(source.value), of.shapes_[at(source.value)]);
    }
};

Executor::Executor(const Entry& entry, const Grid& grid, bool layout, const RunLimits& limits, std::vector<int> wanted)
    : entry_(entry), grid_(grid), layout_(layout), wanted_(wanted.empty() ? outputs_of(entry) : std::move(wanted)),
      shapes_(infer_shapes(entry, grid)), fusion_(entry, shapes_, wanted_, layout, true) {
    plan();
    const double positions = static_cast<double>(grid.rows) * static_cast<double>(grid.columns);
    if (work_ > limits.work * positions) throw LimitExceeded("the model's program takes more work than is allowed");
    if (bytes_ > limits.bytes) {
        throw LimitExceeded("the model's program takes " + std::to_string(std::llround(bytes_ / 1e6)) +
                            " MB of memory, more than is allowed");
    }
}

void Executor::plan() {
    const size_t values = at(entry_.values());
    constexpr int kForever = std::numeric_limits<int>::max();
    std::vector<int> last(values, -1);  // step that reads a root last
    for (size_t i = 0; i < fusion_.steps.size(); ++i) {
        for (const int value : fusion_.reads(entry_, fusion_.steps[i])) {
            if (value >= 0) last[at(fusion_.places[at(value)].root)] = static_cast<int>(i);
        }
    }
    result_of_.assign(values, -1);
    for (size_t i = 0; i < wanted_.size(); ++i) {
        const Place& place = fusion_.places[at(wanted_[i])];
        last[at(place.root)] = kForever;
        const bool whole = place.channel == 0 && shapes_[at(place.root)] == shapes_[at(wanted_[i])];
        if (whole && entry_.node(place.root) != nullptr && result_of_[at(place.root)] < 0) {
            result_of_[at(place.root)] = static_cast<int>(i);
        }
    }
    offsets_.assign(values, -1);
    Arena arena;
    double scratch = 0.0;
    const int threads = get_threads();
    Operands operands;
    for (size_t i = 0; i < fusion_.steps.size(); ++i) {
        const Step& step = fusion_.steps[i];
        const Node& node = *entry_.node(step.value);
        const Shape& shape = shapes_[at(step.value)];
        const std::vector<int> reads = fusion_.reads(entry_, step);
        operands.clear();
        for (const Source& source : node.operands) operands.push_back(operand_of(source, shapes_));
        step_work_.push_back(node.codes() ? 20.0 * static_cast<double>(shape.count()) : node.operation->work(operands, shape));
        work_ += step_work_.back();
        if (!node.codes()) scratch = std::max(scratch, node.operation->scratch(operands, shape, threads));
        if (node.codes()) scratch = std::max(scratch, static_cast<double>(shape.count()));
        if (result_of_[at(step.value)] < 0) {
            int reused = -1;
            if (!node.codes() && node.operation->in_place()) {  // over an operand that nobody reads any more
                for (const int value : reads) {
                    if (value < 0 || reused >= 0) continue;
                    const int root = fusion_.places[at(value)].root;
                    bool good = offsets_[at(root)] >= 0 && last[at(root)] == static_cast<int>(i) && shapes_[at(root)] == shape;
                    for (const int other : reads) {  // and of which nothing is read here but the whole
                        good = good && (other < 0 || fusion_.places[at(other)].root != root || shapes_[at(other)] == shape);
                    }
                    if (good) reused = root;
                }
            }
            if (reused >= 0) {
                offsets_[at(step.value)] = offsets_[at(reused)];
                last[at(reused)] = -1;  // its memory lives on
            } else {
                offsets_[at(step.value)] = arena.take(shape.count());
            }
        }
        std::vector<int> roots;
        for (const int value : reads) {
            if (value >= 0) roots.push_back(fusion_.places[at(value)].root);
        }
        roots.push_back(step.value);  // of what nobody reads too
        std::sort(roots.begin(), roots.end());
        roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
        for (const int root : roots) {
            const bool over = last[at(root)] == static_cast<int>(i) || (root == step.value && last[at(root)] < 0);
            if (offsets_[at(root)] >= 0 && over) arena.give_back(offsets_[at(root)], shapes_[at(root)].count());
        }
    }
    floats_ = arena.floats();
    bytes_ = 4.0 * (static_cast<double>(floats_) + scratch);
}

void Executor::run(const std::vector<const float*>& inputs, const std::vector<float*>& results, Coder* coder,
                   const Progress& progress) const {
    const FpGuard guard;
    const HeldMemory block(ResultMemory::take(static_cast<size_t>(floats_) * sizeof(float)));
    const Memory memory{*this, inputs, results, static_cast<float*>(block->data())};
    double done = 0.0;
    for (size_t i = 0; i < fusion_.steps.size(); ++i) {
        if (progress && !progress(work_ > 0.0 ? done / work_ : 0.0)) throw Cancelled();
        run_step(fusion_.steps[i], memory, coder);
        done += step_work_[i];
    }
    for (size_t i = 0; i < wanted_.size(); ++i) {
        const Place& place = fusion_.places[at(wanted_[i])];
        if (result_of_[at(place.root)] == static_cast<int>(i)) continue;
        copy(memory.data(wanted_[i]), static_cast<size_t>(shapes_[at(wanted_[i])].count()), results[i]);
    }
}

void Executor::run_step(const Step& step, const Memory& memory, Coder* coder) const {
    const Node& node = *entry_.node(step.value);
    if (node.codes()) return run_code(step, memory, coder);
    Operands operands;
    operands.reserve(node.operands.size());
    for (const Source& source : node.operands) operands.push_back(memory.operand(source));
    const Shape& shape = shapes_[at(step.value)];
    if (shape.count() == 0) return;
    Call call{operands, grid_, memory.root(step.value), shape, static_cast<ptrdiff_t>(shape.pixels())};
    call.leaky = step.leaky;
    call.slope = step.slope;
    if (step.residual >= 0) {
        call.residual = memory.data(step.residual);
        call.residual_plane = static_cast<ptrdiff_t>(shape.pixels());
    }
    node.operation->run(call);
}

void Executor::run_code(const Step& step, const Memory& memory, Coder* coder) const {
    const Node& node = *entry_.node(step.value);
    const Operand mean = memory.operand(node.operands[0]), scale = memory.operand(node.operands[1]);
    const Operand delta = memory.operand(node.operands[2]);
    const float* layout = layout_ ? memory.operand(node.operands[3]).data : nullptr;
    float* const out = memory.root(step.value);
    const CodeStep code{node.stream, shapes_[at(step.value)], mean.data, scale.data, delta.absent() ? nullptr : delta.data, layout, out};
    if (code.count() == 0) return;
    if (coder == nullptr) throw ModelCorrupt("a program reads symbols where there are none");
    coder->code(code);
    const ElementwiseOps& each = ops().elementwise;
    const auto multiply = each.binary[static_cast<int>(Binary::multiply)];
    parallel_for(code.count(), kGrain, [&](size_t begin, size_t end) {  // two roundings
        float* const values = out + begin;
        if (code.delta != nullptr) multiply(values, true, code.delta + begin, true, end - begin, values);
        each.add(values, code.mean + begin, end - begin, values);
    });
}

}  // namespace hpcm
