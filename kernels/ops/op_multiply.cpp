// multiply [a, b]: a b.
#include "op_broadcast.h"

namespace hpcm {
namespace {

float one(float a, float b) { return a * b; }

}  // namespace

using Multiply = BinaryOperation<Binary::multiply, one>;
HPCM_OPERATION(multiply, Multiply)

}  // namespace hpcm
