#include "arrays.h"
#include "bindings.h"
#include "conv.h"

namespace hpcm {
namespace {

py::array_t<float> conv1x1_checked(const py::object& x_, const py::object& w_, const py::object& b_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto w = take<float>(w_, "w", {kAny, x.size(0)});
    const auto b = take_optional<float>(b_, "b", {w.size(0)});
    float* data;
    auto out = make<float>({w.size(0), x.size(1), x.size(2)}, &data);
    const py::gil_scoped_release release;
    conv1x1(x.data(), x.size(0), x.size(1) * x.size(2), w.data(), w.size(0), b.data(), data);
    return out;
}

}  // namespace

void bind_conv(py::module_& module) {
    module.def("conv1x1", &conv1x1_checked, py::arg("x"), py::arg("w"), py::arg("b"));
}

}  // namespace hpcm
