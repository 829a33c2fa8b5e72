// The extension module hpcmcodec.kernels._native.
#include "bindings.h"

PYBIND11_MODULE(_native, module) {
    module.doc() = "Normative arithmetic of hpcmcodec; use it through hpcmcodec.kernels.";
    hpcm::bind_runtime(module);
    hpcm::bind_conv(module);
    hpcm::bind_elementwise(module);
    hpcm::bind_entropy(module);
    hpcm::bind_exact(module);
    hpcm::bind_functions(module);
    hpcm::bind_wkv(module);
    hpcm::bind_bank(module);
    hpcm::bind_program(module);
    hpcm::bind_decoder(module);
    hpcm::bind_encoder(module);
}
