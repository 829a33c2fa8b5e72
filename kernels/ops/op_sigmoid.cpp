// sigmoid [x]: 1 / (1 + e^-x).
#include "op_element.h"

namespace hpcm {
namespace {

ElementKernel kernel() { return ops().math.sigmoid; }

}  // namespace

using SigmoidOperation = ElementFunctionOf<kernel, definition::sigmoid, 16>;
HPCM_OPERATION(sigmoid, SigmoidOperation)

}  // namespace hpcm
