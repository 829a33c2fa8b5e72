#include "arrays.h"
#include "bindings.h"
#include "wkv.h"

namespace hpcm {
namespace {

py::array_t<float> wkv_checked(const py::object& w_, const py::object& u_, const py::object& k_, const py::object& v_) {
    const auto k = take<float>(k_, "k", {kAny, kAny, kAny});
    const auto v = take<float>(v_, "v", {k.size(0), k.size(1), k.size(2)});
    const auto w = take<float>(w_, "w", {k.size(2)}), u = take<float>(u_, "u", {k.size(2)});
    float* data;
    auto y = make<float>(k.shape(), &data);
    const py::gil_scoped_release release;
    wkv(w.data(), u.data(), k.data(), v.data(), k.size(0), k.size(1), k.size(2), data);
    return y;
}

py::tuple backward_checked(const py::object& w_, const py::object& u_, const py::object& k_, const py::object& v_,
                           const py::object& gy_) {
    const auto k = take<float>(k_, "k", {kAny, kAny, kAny});
    const auto v = take<float>(v_, "v", {k.size(0), k.size(1), k.size(2)});
    const auto gy = take<float>(gy_, "gy", {k.size(0), k.size(1), k.size(2)});
    const auto w = take<float>(w_, "w", {k.size(2)}), u = take<float>(u_, "u", {k.size(2)});
    float *of_w, *of_u, *of_k, *of_v;
    auto gw = make<float>(w.shape(), &of_w), gu = make<float>(u.shape(), &of_u);
    auto gk = make<float>(k.shape(), &of_k), gv = make<float>(v.shape(), &of_v);
    {
        const py::gil_scoped_release release;
        wkv_backward(w.data(), u.data(), k.data(), v.data(), gy.data(), k.size(0), k.size(1), k.size(2), of_w, of_u, of_k,
                     of_v);
    }
    return py::make_tuple(gw, gu, gk, gv);
}

py::array_t<float> windows_checked(const py::object& w_, const py::object& u_, const py::object& k_, const py::object& v_,
                                   int rows, int columns) {
    const auto k = take<float>(k_, "k", {kAny, kAny, kAny});
    const auto v = take<float>(v_, "v", {k.size(0), k.size(1), k.size(2)});
    const auto w = take<float>(w_, "w", {k.size(0)}), u = take<float>(u_, "u", {k.size(0)});
    if (rows < 1 || columns < 1) throw py::value_error("rows and columns of a window must be positive");
    float* data;
    auto y = make<float>(k.shape(), &data);
    const py::gil_scoped_release release;
    wkv_windows(w.data(), u.data(), k.data(), v.data(), k.size(0), k.size(1), k.size(2), rows, columns, data);
    return y;
}

}  // namespace

void bind_wkv(py::module_& module) {
    module.def("wkv", &wkv_checked, py::arg("w"), py::arg("u"), py::arg("k"), py::arg("v"));
    module.def("wkv_backward", &backward_checked, py::arg("w"), py::arg("u"), py::arg("k"), py::arg("v"), py::arg("gy"));
    module.def("wkv_windows", &windows_checked, py::arg("w"), py::arg("u"), py::arg("k"), py::arg("v"), py::arg("rows"),
               py::arg("columns"));
}

}  // namespace hpcm
