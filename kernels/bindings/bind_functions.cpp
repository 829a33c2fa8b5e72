#include "arrays.h"
#include "bindings.h"
#include "functions.h"

namespace hpcm {
namespace {

template <ElementFunction function>
py::array_t<float> element(const py::object& x_) {
    const auto x = take<float>(x_, "x");
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    apply(function, x.data(), x.count(), data);
    return out;
}

size_t pixels_of(const Array<float>& x) { return static_cast<size_t>(x.size(1)) * x.size(2); }

py::array_t<float> log_feature_checked(const py::object& v_, const py::object& s0_) {
    const auto v = take<float>(v_, "v", {kAny, kAny, kAny});
    const auto s0 = take<float>(s0_, "s0", {v.size(0)});
    for (int c = 0; c < v.size(0); ++c) {
        if (!(s0.data()[c] > 0.0f)) throw py::value_error("s0 must be positive");
    }
    float* data;
    auto out = make<float>({2 * v.shape()[0], v.size(1), v.size(2)}, &data);
    const py::gil_scoped_release release;
    signed_log_feature(v.data(), v.size(0), pixels_of(v), s0.data(), data);
    return out;
}

py::array_t<float> softmax_checked(const py::object& x_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    softmax(x.data(), x.size(0), pixels_of(x), data);
    return out;
}

py::array_t<float> layer_norm_checked(const py::object& x_, const py::object& weight_, const py::object& bias_, float eps) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto weight = take<float>(weight_, "weight", {x.size(0)});
    const auto bias = take<float>(bias_, "bias", {x.size(0)});
    if (!(eps > 0.0f)) throw py::value_error("eps must be positive");
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    layer_norm(x.data(), x.size(0), pixels_of(x), weight.data(), bias.data(), eps, data);
    return out;
}

py::array_t<float> attention_checked(const py::object& q_, const py::object& k_, const py::object& v_, int window, int heads) {
    const auto q = take<float>(q_, "q", {kAny, kAny, kAny});
    const auto k = take<float>(k_, "k", {q.size(0), q.size(1), q.size(2)});
    const auto v = take<float>(v_, "v", {q.size(0), q.size(1), q.size(2)});
    if (window < 1 || window > 64) throw py::value_error("window must be 1 to 64");
    if (heads < 1 || q.size(0) % heads) throw py::value_error("heads must divide the channels");
    float* data;
    auto out = make<float>(q.shape(), &data);
    const py::gil_scoped_release release;
    window_attention(q.data(), k.data(), v.data(), q.size(0), q.size(1), q.size(2), window, heads, data);
    return out;
}

py::array_t<uint16_t> scale_index_checked(const py::object& scale_, const py::object& thresholds_) {
    const auto scale = take<float>(scale_, "scale");
    const auto thresholds = take<float>(thresholds_, "thresholds", {kAny});
    const int number = thresholds.size(0);
    if (number > 65535) throw py::value_error("thresholds must be at most 65535");
    for (int i = 0; i + 1 < number; ++i) {
        if (!(thresholds.data()[i] <= thresholds.data()[i + 1])) throw py::value_error("thresholds must rise");
    }
    uint16_t* data;
    auto out = make<uint16_t>(scale.shape(), &data);
    const py::gil_scoped_release release;
    scale_index(scale.data(), scale.count(), thresholds.data(), number, data);
    return out;
}

py::array_t<float> haar_dwt_checked(const py::object& x_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    float* data;
    auto out = make<float>({4 * x.shape()[0], (x.shape()[1] + 1) / 2, (x.shape()[2] + 1) / 2}, &data);
    const py::gil_scoped_release release;
    haar_dwt(x.data(), x.size(0), x.size(1), x.size(2), data);
    return out;
}

py::array_t<float> haar_idwt_checked(const py::object& bands_) {
    const auto bands = take<float>(bands_, "bands", {kAny, kAny, kAny});
    if (bands.size(0) % 4) throw py::value_error("bands must have a multiple of 4 channels");
    float* data;
    auto out = make<float>({bands.shape()[0] / 4, 2 * bands.shape()[1], 2 * bands.shape()[2]}, &data);
    const py::gil_scoped_release release;
    haar_idwt(bands.data(), bands.size(0) / 4, bands.size(1), bands.size(2), data);
    return out;
}

}  // namespace

void bind_functions(py::module_& module) {
    module.def("exp", &element<&MathOps::exp>, py::arg("x"));
    module.def("sigmoid", &element<&MathOps::sigmoid>, py::arg("x"));
    module.def("tanh", &element<&MathOps::tanh>, py::arg("x"));
    module.def("log", &element<&MathOps::log>, py::arg("x"));
    module.def("log1p", &element<&MathOps::log1p>, py::arg("x"));
    module.def("sqrt", &element<&MathOps::sqrt>, py::arg("x"));
    module.def("signed_log_feature", &log_feature_checked, py::arg("v"), py::arg("s0"));
    module.def("softmax", &softmax_checked, py::arg("x"));
    module.def("layer_norm", &layer_norm_checked, py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("eps"));
    module.def("window_attention", &attention_checked, py::arg("q"), py::arg("k"), py::arg("v"), py::arg("window"),
               py::arg("heads"));
    module.def("scale_index", &scale_index_checked, py::arg("scale"), py::arg("thresholds"));
    module.def("haar_dwt", &haar_dwt_checked, py::arg("x"));
    module.def("haar_idwt", &haar_idwt_checked, py::arg("bands"));
}

}  // namespace hpcm
