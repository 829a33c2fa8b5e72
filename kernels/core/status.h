// What can be wrong with what a decoder is given. All are caught where the core's C++ ends.
#pragma once

#include <stdexcept>

namespace hpcm {

// A model file, its manifest or a program in it breaks a rule.
struct ModelCorrupt : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Something sound would take more memory or work than is allowed.
struct LimitExceeded : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The caller asked to stop.
struct Cancelled : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace hpcm
