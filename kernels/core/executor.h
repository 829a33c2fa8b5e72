// Runs an entry of a program on a grid as a whole: memory planned and refused before it is taken, freed when last used.
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "coder.h"
#include "fusion.h"
#include "program.h"

namespace hpcm {

struct RunLimits {
    double bytes = std::numeric_limits<double>::infinity();
    double work = 0x1p34;  // multiply-adds for each position of the grid; the largest official network takes about 2^30.4
};

// Told the share that is done, from 0 to 1, now and then; false stops the run with Cancelled.
using Progress = std::function<bool(double)>;

class Executor {
public:
    // For the values `wanted` of an entry, its outputs if there are none given. layout: the input of that name is given, and what
    // serves the layout operands of code runs. Throws ModelCorrupt, LimitExceeded. The entry must outlive the executor.
    Executor(const Entry& entry, const Grid& grid, bool layout, const RunLimits& limits = {}, std::vector<int> wanted = {});

    const Shape& shape(int value) const { return shapes_[static_cast<size_t>(value)]; }
    const std::vector<int>& wanted() const { return wanted_; }
    bool needs(size_t input) const { return fusion_.needed[input]; }
    double bytes() const { return bytes_; }  // of memory while it runs, besides inputs and results
    double work() const { return work_; }

    // inputs: dense maps by number, null where they are not needed. results: memory for the wanted values, in order. May be
    // called by several threads at once. Throws Error.
    void run(const std::vector<const float*>& inputs, const std::vector<float*>& results, Coder* coder,
             const Progress& progress = {}) const;

private:
    struct Memory;
    void plan();
    void run_step(const Step& step, const Memory& memory, Coder* coder) const;
    void run_code(const Step& step, const Memory& memory, Coder* coder) const;

    const Entry& entry_;
    Grid grid_;
    bool layout_;
    std::vector<int> wanted_;
    std::vector<Shape> shapes_;
    Fusion fusion_;
    std::vector<int64_t> offsets_;  // by value, of roots in memory; negative: elsewhere
    std::vector<int> result_of_;    // by value: which result it is at once, or -1
    std::vector<double> step_work_;
    int64_t floats_ = 0;
    double bytes_ = 0.0, work_ = 0.0;
};

}  // namespace hpcm
