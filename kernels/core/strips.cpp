#include "strips.h"

#include <algorithm>
#include <cstring>

#include "arena.h"
#include "buffer.h"
#include "fpenv.h"
#include "result_memory.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

size_t at(int value) { return static_cast<size_t>(value); }

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

Span hull(const Span& a, const Span& b) { return {std::min(a.start, b.start), std::max(a.stop, b.stop)}; }

// Where the results of a piece of the input begin that begins at `start`.
int64_t result_of(const Reach& r, int64_t start) { return start / r.take * r.give; }

// Inputs for the results `span`, whole units, of those that there are.
Span needs(const Reach& r, const Span& span, int64_t size) {
    int64_t start = floor_div(span.start + r.shift, r.give) * r.take - r.shift - r.before;
    int64_t stop = -floor_div(-(span.stop + r.shift), r.give) * r.take - r.shift + r.after;
    start = std::clamp<int64_t>(floor_div(start, r.take) * r.take, 0, size);
    stop = std::clamp<int64_t>(-floor_div(-stop, r.take) * r.take, 0, size);
    return {start, std::max(start, stop)};
}

bool local(const Reach& r) { return r.take == 1 && r.give == 1 && r.before == 0 && r.after == 0; }

[[noreturn]] void not_local() { throw ModelCorrupt("the model's program is damaged: a result in strips needs more than a neighbourhood"); }

// A rectangle of every plane to another place; rows have from_columns and to_columns floats.
void copy_rows(const float* from, ptrdiff_t from_plane, int64_t from_columns, float* to, ptrdiff_t to_plane, int64_t to_columns,
               int64_t channels, int64_t rows, int64_t columns) {
    const size_t grain = static_cast<size_t>(std::max<int64_t>(1, 32 * 1024 / std::max<int64_t>(1, rows * columns)));
    parallel_for(static_cast<size_t>(channels), grain, [&](size_t begin, size_t end) {
        for (size_t c = begin; c < end; ++c) {
            const float* source = from + static_cast<ptrdiff_t>(c) * from_plane;
            float* target = to + static_cast<ptrdiff_t>(c) * to_plane;
            for (int64_t i = 0; i < rows; ++i, source += from_columns, target += to_columns) {
                std::memmove(target, source, static_cast<size_t>(columns) * sizeof(float));
            }
        }
    });
}

}  // namespace

// Where the rows of every state lie: `capacity` rows of its columns in every plane, from `place` floats on.
struct Strips::Layout {
    struct Lines {
        int64_t place = 0, capacity = 0;
        bool lasting = false;  // some rows are needed in later strips
    };
    std::vector<Lines> lines;
    int64_t floats = 0, extra = 0;  // extra: of pieces that are copied or cropped
};

Strips::Strips(const Entry& entry, const Grid& grid, int source, const Span& rows, const Span& columns)
    : entry_(entry), grid_(grid), rows_(rows), shapes_(infer_shapes(entry, grid)),
      fusion_(entry, shapes_, {entry.outputs.at(0).value}, false, columns == Span{0, shapes_[at(entry.outputs.at(0).value)].columns}) {
    const Shape& result = shapes_[at(entry.outputs[0].value)];
    if (rows.start < 0 || rows.stop > result.rows || rows.size() < 1 || columns.start < 0 || columns.stop > result.columns ||
        columns.size() < 1) {
        fail(Status::usage, "a rectangle lies outside the result");
    }
    collect(source);
    find_needs(rows, columns);
}

// A new edge to the state of a value, or a constant: returns the number of the state, -1 for a constant.
int Strips::add_edge(State& state, size_t operand, int value, const Reach& reach, const std::vector<int>& state_of) {
    const Place& place = fusion_.places[at(value)];
    const int child = state_of[at(place.root)];
    if (child < 0) return -1;
    state.edges.push_back({operand, child, place.channel, shapes_[at(value)], reach});
    return child;
}

void Strips::collect(int source) {
    std::vector<int> state_of(shapes_.size(), -1);
    states_.push_back({source, {source}, {}, {}, {}, {}});
    state_of[at(source)] = 0;
    std::vector<bool> constant(shapes_.size(), false);
    for (const Step& step : fusion_.steps) {
        const Node& node = *entry_.node(step.value);
        if (node.codes()) not_local();
        State state{step.value, step, {}, {}, {}, {}};
        Operands operands;
        for (const Source& operand : node.operands) operands.push_back(operand_of(operand, shapes_));
        const std::vector<int> reads = fusion_.reads(entry_, step);
        const auto reach = node.operation->reach(operands);
        const size_t maps = node.operation->maps(operands);
        std::vector<int> fixed;
        for (size_t k = 0; k < reads.size(); ++k) {
            if (reads[k] < 0) continue;
            const bool residual = k == node.operands.size();
            if (add_edge(state, k, reads[k], residual || !reach ? Reach{} : *reach, state_of) < 0) {
                fixed.push_back(reads[k]);
            } else if (!residual && (!reach || k >= maps)) {
                not_local();
            }
        }
        if (state.edges.empty()) continue;  // it does not depend on the source
        const Shape& shape = shapes_[at(step.value)];
        for (const Edge& edge : state.edges) {  // whole maps have to go together as pieces do
            const auto fits = [&](int64_t size, int64_t result) {
                if (local(edge.reach)) return result <= size;  // less where it is cropped
                const int64_t units = size / edge.reach.take;
                return result == units * edge.reach.give || result == (size + edge.reach.take - 1) / edge.reach.take * edge.reach.give;
            };
            if (!fits(edge.shape.rows, shape.rows) || !fits(edge.shape.columns, shape.columns)) not_local();
        }
        for (const int value : fixed) {
            if (shapes_[at(value)].pixels() != 1) not_local();
            constant[at(value)] = true;
        }
        const int number = static_cast<int>(states_.size());
        for (const Edge& edge : state.edges) {
            std::vector<int>& consumers = states_[at(edge.child)].consumers;
            if (consumers.empty() || consumers.back() != number) consumers.push_back(number);
        }
        state_of[at(step.value)] = number;
        states_.push_back(std::move(state));
    }
    for (size_t value = 0; value < constant.size(); ++value) {
        if (constant[value]) constants_.push_back(static_cast<int>(value));
    }
    const Place& result = fusion_.places[at(entry_.outputs[0].value)];
    const bool last = state_of[at(result.root)] == static_cast<int>(states_.size()) - 1 && states_.size() > 1;
    if (!last || result.channel != 0 || !states_.back().consumers.empty() ||
        shapes_[at(result.root)] != shapes_[at(entry_.outputs[0].value)]) {
        not_local();
    }
}

void Strips::find_needs(const Span& rows, const Span& columns) {
    const Span nothing{1, 0};
    for (State& state : states_) state.whole = state.columns = nothing;
    states_.back().whole = rows;
    states_.back().columns = columns;
    const auto join = [](Span& known, const Span& more) { known = known.size() < 0 ? more : hull(known, more); };
    for (size_t i = states_.size(); i-- > 0;) {
        for (const Edge& edge : states_[i].edges) {
            join(states_[at(edge.child)].whole, needs(edge.reach, states_[i].whole, edge.shape.rows));
            join(states_[at(edge.child)].columns, needs(edge.reach, states_[i].columns, edge.shape.columns));
        }
    }
}

// How far each value has to come for the result to reach `stop`.
void Strips::aim(std::vector<Reached>& reached, int64_t stop) const {
    reached.back().target = stop;
    for (size_t i = states_.size(); i-- > 0;) {
        const Reached& own = reached[i];
        if (own.target <= own.ready) continue;
        for (const Edge& edge : states_[i].edges) {
            Reached& child = reached[at(edge.child)];
            child.target = std::max(child.target, needs(edge.reach, {own.ready, own.target}, edge.shape.rows).stop);
        }
    }
}

// The first row of a value that is still needed once all have reached their targets.
int64_t Strips::kept_for_later(const std::vector<Reached>& reached, size_t number) const {
    int64_t keep = reached[number].ready;
    for (const int consumer : states_[number].consumers) {
        const int64_t next = reached[at(consumer)].ready;
        if (next >= states_[at(consumer)].whole.stop) continue;
        for (const Edge& edge : states_[at(consumer)].edges) {
            if (at(edge.child) == number) keep = std::min(keep, needs(edge.reach, {next, next + 1}, edge.shape.rows).start);
        }
    }
    return std::max(keep, reached[number].kept);
}

// Whether an operand's piece has to be copied: of fewer columns than there are, or for an operation that takes dense ones.
bool Strips::copies(size_t number, const Edge& edge, const Span& across) const {
    return !(across == states_[at(edge.child)].columns) || !entry_.node(states_[number].value)->operation->strided();
}

// Floats of the operands that are copied for some rows of a value.
int64_t Strips::copied(size_t number, const Span& rows) const {
    int64_t floats = 0;
    for (const Edge& edge : states_[number].edges) {
        const Span across = needs(edge.reach, states_[number].columns, edge.shape.columns);
        if (copies(number, edge, across)) floats += edge.shape.channels * needs(edge.reach, rows, edge.shape.rows).size() * across.size();
    }
    return floats;
}

// What an operation gives when it is to make some rows of a value.
Strips::Given Strips::piece_for(size_t number, const Span& rows) const {
    const State& state = states_[number];
    const Operation& operation = *entry_.node(state.value)->operation;
    const Edge& edge = state.edges[0];
    const Reach& r = edge.reach;
    const Span piece = needs(r, rows, edge.shape.rows), wide = needs(r, state.columns, edge.shape.columns);
    Given given;
    given.top = rows.start - result_of(r, piece.start);
    given.left = state.columns.start - result_of(r, wide.start);
    given.by_rows = operation.gives_rows();
    Shape shape{0, piece.size(), wide.size()};
    if (!local(r)) {
        Operands operands;
        for (const Source& source : entry_.node(state.value)->operands) operands.push_back(operand_of(source, shapes_));
        for (const Edge& own : state.edges) {
            if (own.operand >= operands.size()) continue;
            Shape& part = operands[own.operand].shape;
            part.rows = needs(own.reach, rows, own.shape.rows).size();
            part.columns = needs(own.reach, state.columns, own.shape.columns).size();
        }
        shape = operation.shape(operands, grid_);
    }
    given.rows = given.by_rows ? rows.size() : shape.rows;
    given.columns = shape.columns;
    given.direct = operation.strided() && (given.by_rows || given.top == 0) && given.left == 0 && given.rows == rows.size() &&
                   given.columns == state.columns.size();
    return given;
}

// Follows a run without computing anything.
Strips::Layout Strips::layout(int64_t step) const {
    Layout found;
    found.lines.resize(states_.size());
    std::vector<Reached> reached;
    for (const State& state : states_) reached.push_back({state.whole.start, state.whole.start, state.whole.start});
    for (int64_t first = rows_.start; first < rows_.stop; first += step) {
        aim(reached, std::min(first + step, rows_.stop));
        for (size_t i = 0; i < states_.size(); ++i) {
            Reached& own = reached[i];
            found.lines[i].capacity = std::max(found.lines[i].capacity, own.target - own.kept);
            if (i > 0 && own.target > own.ready) {
                const Span rows{own.ready, own.target};
                const Given given = piece_for(i, rows);
                const int64_t whole = given.direct ? 0 : shapes_[at(states_[i].value)].channels * given.rows * given.columns;
                found.extra = std::max(found.extra, copied(i, rows) + whole);
            }
            own.ready = std::max(own.ready, own.target);
        }
        for (size_t i = 0; i < states_.size(); ++i) {
            const int64_t keep = kept_for_later(reached, i);
            if (keep < reached[i].ready) found.lines[i].lasting = true;
            reached[i].kept = keep;
        }
    }
    Arena arena;
    const auto floats = [&](size_t i) {
        return shapes_[at(states_[i].value)].channels * found.lines[i].capacity * states_[i].columns.size();
    };
    for (size_t i = 0; i < states_.size(); ++i) {
        if (found.lines[i].lasting) found.lines[i].place = arena.take(floats(i));
    }
    for (size_t i = 0; i < states_.size(); ++i) {
        if (!found.lines[i].lasting) found.lines[i].place = arena.take(floats(i));
        std::vector<size_t> over;  // what nobody reads any more in this strip
        if (states_[i].consumers.empty() && i + 1 < states_.size()) over.push_back(i);
        for (const Edge& edge : states_[i].edges) {
            const size_t child = at(edge.child);
            const bool last = states_[child].consumers.back() == static_cast<int>(i);
            if (last && std::find(over.begin(), over.end(), child) == over.end()) over.push_back(child);
        }
        for (const size_t j : over) {
            if (!found.lines[j].lasting) arena.give_back(found.lines[j].place, floats(j));
        }
    }
    found.floats = arena.floats();
    return found;
}

double Strips::bytes(int64_t step) const {
    const Layout found = layout(step);
    double scratch = 0.0;
    for (const State& state : states_) {
        const Node* node = entry_.node(state.value);
        if (node == nullptr) continue;
        Operands operands;
        for (const Source& source : node->operands) operands.push_back(operand_of(source, shapes_));
        Shape piece = shapes_[at(state.value)];
        piece.rows = std::min(piece.rows, found.lines[static_cast<size_t>(&state - states_.data())].capacity);
        scratch = std::max(scratch, node->operation->scratch(operands, piece, get_threads()));
    }
    return 4.0 * (static_cast<double>(found.floats) + static_cast<double>(found.extra) + scratch);
}

int64_t Strips::rows_within(double limit, int64_t unit) const {
    int64_t few = 1, many = (rows_.size() + unit - 1) / unit;  // in units
    if (bytes(many * unit) <= limit) return many * unit;
    while (many - few > 1) {
        const int64_t middle = few + (many - few) / 2;
        (bytes(middle * unit) <= limit ? few : many) = middle;
    }
    return few * unit;
}

// One run: memory and how far everything has come.
struct Strips::Run {
    const Strips& of;
    const Layout layout;
    std::vector<Reached> reached;
    std::vector<const float*> constants;  // by value
    const std::vector<const float*>& inputs;
    HeldMemory memory;

    Run(const Strips& strips, int64_t step, const std::vector<const float*>& inputs_)
        : of(strips), layout(strips.layout(step)), constants(strips.shapes_.size(), nullptr), inputs(inputs_),
          memory(ResultMemory::take(static_cast<size_t>(layout.floats) * sizeof(float))) {
        for (const State& state : of.states_) reached.push_back({state.whole.start, state.whole.start, state.whole.start});
    }

    ptrdiff_t plane(size_t i) const { return static_cast<ptrdiff_t>(layout.lines[i].capacity * of.states_[i].columns.size()); }

    // Row `row` of a state's first channel.
    float* row(size_t i, int64_t row) const {
        return static_cast<float*>(memory->data()) + layout.lines[i].place + (row - reached[i].kept) * of.states_[i].columns.size();
    }

    void advance(size_t i, const Read& read);
    void compute(size_t i, const Span& rows);
    void drop(size_t i);
};

void Strips::Run::advance(size_t i, const Read& read) {
    Reached& own = reached[i];
    if (own.target <= own.ready) return;
    const Span rows{own.ready, own.target};
    if (i == 0) {
        read({rows, of.states_[0].columns, of.shapes_[at(of.states_[0].value)].channels, row(0, rows.start), plane(0)});
    } else {
        compute(i, rows);
    }
    own.ready = own.target;
}

// The rows of a value from what its operands hold.
void Strips::Run::compute(size_t i, const Span& rows) {
    const State& state = of.states_[i];
    const Operation& operation = *of.entry_.node(state.value)->operation;
    const auto& sources = of.entry_.node(state.value)->operands;
    Operands operands;
    for (const Source& source : sources) {
        const float* data = source.value < 0 ? nullptr : constants[at(source.value)];
        operands.push_back(source.value < 0 ? source.constant : Operand::map(data, of.shapes_[at(source.value)]));
    }
    const int64_t columns = state.columns.size(), channels = of.shapes_[at(state.value)].channels;
    Buffer copies(static_cast<size_t>(of.copied(i, rows)));
    float* free = copies.data();
    Operand residual;
    for (const Edge& edge : state.edges) {
        const State& child = of.states_[at(edge.child)];
        const Span need = needs(edge.reach, rows, edge.shape.rows), across = needs(edge.reach, state.columns, edge.shape.columns);
        const ptrdiff_t child_plane = plane(at(edge.child));
        const float* data = row(at(edge.child), need.start) + edge.channel * child_plane;
        Operand operand = Operand::map(data, {edge.shape.channels, need.size(), across.size()});
        operand.plane = child_plane;
        if (of.copies(i, edge, across)) {
            const int64_t left = across.start - child.columns.start;
            operand.plane = static_cast<ptrdiff_t>(operand.shape.pixels());
            copy_rows(data + left, child_plane, child.columns.size(), free, operand.plane, across.size(), edge.shape.channels,
                      need.size(), across.size());
            operand.data = free;
            free += operand.shape.count();
        }
        if (edge.operand < operands.size()) {
            operands[edge.operand] = operand;
        } else {
            residual = operand;
        }
    }
    const Given given = of.piece_for(i, rows);
    const Shape shape{channels, given.rows, given.columns};
    Buffer whole(given.direct ? 1 : static_cast<size_t>(shape.count()));
    Call call{operands, of.grid_, given.direct ? row(i, rows.start) : whole.data(), shape,
              given.direct ? plane(i) : static_cast<ptrdiff_t>(shape.pixels()), given.by_rows ? given.top : 0};
    call.leaky = state.step.leaky;
    call.slope = state.step.slope;
    if (state.step.residual >= 0) {
        call.residual = residual.data;
        call.residual_plane = residual.plane;
    }
    operation.run(call);
    if (!given.direct) {
        const int64_t skipped = given.by_rows ? 0 : given.top;
        copy_rows(whole.data() + skipped * shape.columns + given.left, call.plane, shape.columns, row(i, rows.start), plane(i), columns,
                  channels, rows.size(), columns);
    }
}

// Moves the rows that later strips need to the top.
void Strips::Run::drop(size_t i) {
    Reached& own = reached[i];
    const int64_t keep = of.kept_for_later(reached, i), columns = of.states_[i].columns.size();
    if (keep < own.ready && keep > own.kept) {
        copy_rows(row(i, keep), plane(i), columns, row(i, own.kept), plane(i), columns, of.shapes_[at(of.states_[i].value)].channels,
                  own.ready - keep, columns);
    }
    own.kept = keep;
}

void Strips::run(const std::vector<const float*>& inputs, int64_t step, const Read& read, const Write& write,
                 const RunLimits& limits, const Progress& progress) const {
    const FpGuard guard;
    Run run(*this, step, inputs);
    std::vector<float> held;
    if (!constants_.empty()) {
        const Executor before(entry_, grid_, false, limits, constants_);
        std::vector<float*> results;
        size_t floats = 0;
        for (const int value : constants_) floats += static_cast<size_t>(shapes_[at(value)].count());
        held.resize(floats);
        float* free = held.data();
        for (const int value : constants_) {
            results.push_back(free);
            run.constants[at(value)] = free;
            free += shapes_[at(value)].count();
        }
        before.run(inputs, results, nullptr);
    }
    for (int64_t first = rows_.start; first < rows_.stop; first += step) {
        const Span strip{first, std::min(first + step, rows_.stop)};
        if (progress && !progress(static_cast<double>(first - rows_.start) / static_cast<double>(rows_.size()))) throw Cancelled();
        aim(run.reached, strip.stop);
        for (size_t i = 0; i < states_.size(); ++i) run.advance(i, read);
        const size_t last = states_.size() - 1;
        write({strip, states_[last].columns, shapes_[at(states_[last].value)].channels, run.row(last, strip.start), run.plane(last)});
        for (size_t i = 0; i < states_.size(); ++i) run.drop(i);
    }
}

}  // namespace hpcm
