// absolute [x]: the sign cleared.
#include "op_element.h"

namespace hpcm {
namespace {

ElementKernel kernel() { return ops().elementwise.absolute; }
float magnitude(float x) { return std::fabs(x); }

}  // namespace

using AbsoluteOperation = ElementFunctionOf<kernel, magnitude, 1>;
HPCM_OPERATION(absolute, AbsoluteOperation)

}  // namespace hpcm
