// What of an entry runs, and in which pieces: which nodes are needed, which are parts of others' results, and which ride along with
// a convolution. Nothing here changes a bit of any result.
#pragma once

#include <vector>

#include "program.h"

namespace hpcm {

// Value v is `channel` channels into value `root`, which has memory of its own; that of a slice is its operand's.
struct Place {
    int root;
    int64_t channel = 0;
};

// A node that runs, with what follows it in the same pass. `value` is its number.
struct Step {
    int value;
    bool leaky = false;
    float slope = 0.0f;
    int residual = -1;  // a value to be added, or none
};

struct Fusion {
    std::vector<bool> needed;   // by value
    std::vector<Place> places;  // by value
    std::vector<Step> steps;    // in order

    // For the values `wanted`. layout: also what only serves the layout operands of code. adds: additions may ride along.
    Fusion(const Entry& entry, const std::vector<Shape>& shapes, const std::vector<int>& wanted, bool layout, bool adds);

    // The values that a step reads, in order of its operands and the residual; -1 for what is no value or not needed.
    std::vector<int> reads(const Entry& entry, const Step& step) const;

private:
    void mark(const Entry& entry, const std::vector<int>& wanted, bool layout);
    bool joins(const Entry& entry, const std::vector<Shape>& shapes, int value, bool adds);
    int ridden(int value) const;  // the step whose result this value is and that may go on; -1 if there is none

    std::vector<int> uses_, step_of_;
};

}  // namespace hpcm
