// Memory that other threads have made larger.
#pragma once

#include "lock.h"

namespace hpcm {

// V8 tells a thread by an interrupt that another one has made the memory larger. Until then copies and fills beyond its old end
// trap, so this is called before a thread uses what others may have allocated.
void see_memory();

}  // namespace hpcm
