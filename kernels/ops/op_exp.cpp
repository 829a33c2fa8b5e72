// exp [x]: e^x by the polynomial of FORMAT.md.
#include "op_element.h"

namespace hpcm {
namespace {

ElementKernel kernel() { return ops().math.exp; }

}  // namespace

using ExpOperation = ElementFunctionOf<kernel, definition::exp, 12>;
HPCM_OPERATION(exp, ExpOperation)

}  // namespace hpcm
