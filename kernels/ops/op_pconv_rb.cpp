// pconv_rb [x, sw, sb, ew, eb, rw, rb]: x + reduce(leaky(expand(concat(conv3x3(first channels of x), others)))).
#include "op_residual.h"

namespace hpcm {

HPCM_OPERATION(pconv_rb, Residual<true>)

}  // namespace hpcm
