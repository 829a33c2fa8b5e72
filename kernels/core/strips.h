// Runs an entry whose result depends on few positions around over a rectangle of its result, strip by strip from the top, with exactly
// the halos that its operations need: the bits of the whole, in memory that does not grow with the picture's height.
//
// Every value keeps the rows that later strips will need and nothing else; no row is computed twice, and the rows of the input are
// read once, in order. Values that do not depend on the input are computed once, before.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "executor.h"

namespace hpcm {

struct Span {
    int64_t start = 0, stop = 0;  // start <= i < stop

    int64_t size() const { return stop - start; }
    bool operator==(const Span& o) const { return start == o.start && stop == o.stop; }
};

// A piece of the input or of the result: planes lie `plane` floats apart, rows follow one another.
struct Piece {
    Span rows, columns;
    int64_t channels;
    float* data;
    ptrdiff_t plane;
};

class Strips {
public:
    using Read = std::function<void(const Piece&)>;   // fills it
    using Write = std::function<void(const Piece&)>;  // takes it; the memory is used again afterwards

    // `source`: the input, a map, that is read in pieces. The rectangle is of the result. Throws ModelCorrupt if the result
    // needs more than a neighbourhood of it.
    Strips(const Entry& entry, const Grid& grid, int source, const Span& rows, const Span& columns);

    // The part of the input that the rectangle depends on.
    Span source_rows() const { return states_[0].whole; }
    Span source_columns() const { return states_[0].columns; }

    // Memory with strips of so many rows of the result, and the most rows, a multiple of `unit`, that take no more; at least one
    // unit.
    double bytes(int64_t step) const;
    int64_t rows_within(double bytes, int64_t unit) const;

    // inputs: by number, dense; that of the source is not looked at. step: rows of the result at once. Throws Error.
    void run(const std::vector<const float*>& inputs, int64_t step, const Read& read, const Write& write,
             const RunLimits& limits = {}, const Progress& progress = {}) const;

private:
    // An operand that comes strip by strip.
    struct Edge {
        size_t operand;  // of the node; one more than there are for the residual
        int child;       // number of its state
        int64_t channel;
        Shape shape;     // of the whole operand
        Reach reach;
    };
    // A value that comes strip by strip. whole: the rows of it that the rectangle depends on.
    struct State {
        int value;
        Step step;
        std::vector<Edge> edges;
        std::vector<int> consumers;  // numbers of states
        Span whole, columns;
    };
    // How far a value has come in a run: rows kept .. ready are there.
    struct Reached {
        int64_t kept, ready, target;
    };
    // What an operation makes for some rows of a value: rows x columns, of which the wanted ones begin at (top, left).
    struct Given {
        int64_t top, left, rows, columns;
        bool by_rows;  // it can begin at the wanted rows
        bool direct;   // it makes what is wanted and nothing else
    };
    struct Layout;
    struct Run;

    void collect(int source);
    void find_needs(const Span& rows, const Span& columns);
    void aim(std::vector<Reached>& reached, int64_t stop) const;
    int64_t kept_for_later(const std::vector<Reached>& reached, size_t state) const;
    Given piece_for(size_t number, const Span& rows) const;
    bool copies(size_t number, const Edge& edge, const Span& across) const;
    int64_t copied(size_t number, const Span& rows) const;
    Layout layout(int64_t step) const;
    int add_edge(State& state, size_t operand, int value, const Reach& reach, const std::vector<int>& state_of);

    const Entry& entry_;
    Grid grid_;
    Span rows_;
    std::vector<Shape> shapes_;
    Fusion fusion_;
    std::vector<State> states_;    // the source first, the result last
    std::vector<int> constants_;   // values that are computed before
};

}  // namespace hpcm
