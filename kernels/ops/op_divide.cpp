// divide [a, b]: a / b.
#include "op_broadcast.h"

namespace hpcm {
namespace {

float one(float a, float b) { return a / b; }

}  // namespace

using Divide = BinaryOperation<Binary::divide, one>;
HPCM_OPERATION(divide, Divide)

}  // namespace hpcm
