// maximum [a, b]: a where a > b, else b.
#include "op_broadcast.h"

namespace hpcm {
namespace {

float one(float a, float b) { return a > b ? a : b; }

}  // namespace

using Maximum = BinaryOperation<Binary::maximum, one>;
HPCM_OPERATION(maximum, Maximum)

}  // namespace hpcm
