// Each area registers its functions with one bind_<area>, declared here and called by bindings.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace hpcm {

void bind_runtime(pybind11::module_& module);
void bind_conv(pybind11::module_& module);
void bind_elementwise(pybind11::module_& module);
void bind_entropy(pybind11::module_& module);
void bind_exact(pybind11::module_& module);
void bind_functions(pybind11::module_& module);
void bind_wkv(pybind11::module_& module);
void bind_bank(pybind11::module_& module);
void bind_program(pybind11::module_& module);
void bind_decoder(pybind11::module_& module);
void bind_encoder(pybind11::module_& module);

}  // namespace hpcm
