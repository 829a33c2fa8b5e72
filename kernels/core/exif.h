// The rule for EXIF blocks in hpc files (FORMAT.md section 4.3).
#pragma once

#include <optional>
#include <string>

#include "bytes.h"

namespace hpcm {

// What is not allowed of a block, in one line: it is no TIFF structure, or says that the picture is not upright.
std::optional<std::string> exif_problem(Bytes block);

}  // namespace hpcm
