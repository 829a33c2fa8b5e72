// dwconv_rb [x, sw, sb, ew, eb, rw, rb]: x + reduce(leaky(expand(depthwise3x3(x)))).
#include "op_residual.h"

namespace hpcm {

HPCM_OPERATION(dwconv_rb, Residual<false>)

}  // namespace hpcm
