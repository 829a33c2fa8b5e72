// add [a, b]: a + b.
#include "op_broadcast.h"

namespace hpcm {
namespace {

float one(float a, float b) { return a + b; }

}  // namespace

using Add = BinaryOperation<Binary::add, one>;
HPCM_OPERATION(add, Add)

}  // namespace hpcm
