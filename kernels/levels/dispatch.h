// Choice of the instruction set at run time.
#pragma once

#include <string>
#include <vector>

#include "ops.h"

namespace hpcm {

// Table in use: HPCM_SIMD if set, else the best level of this processor. Throws std::invalid_argument if HPCM_SIMD
// names a level that is unknown or unsupported here.
const Ops& ops();

// Names of the levels that are compiled in and that this processor can run, slowest first.
std::vector<std::string> available_levels();

// Switches the level for all later calls; std::invalid_argument if it is not available. Results never depend on it.
void set_simd_level(const std::string& name);

}  // namespace hpcm
