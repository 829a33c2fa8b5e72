// subtract [a, b]: a - b.
#include "op_broadcast.h"

namespace hpcm {
namespace {

float one(float a, float b) { return a - b; }

}  // namespace

using Subtract = BinaryOperation<Binary::subtract, one>;
HPCM_OPERATION(subtract, Subtract)

}  // namespace hpcm
