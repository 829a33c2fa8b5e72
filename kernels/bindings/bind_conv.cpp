#include "arrays.h"
#include "bindings.h"
#include "conv.h"

namespace hpcm {
namespace {

constexpr long long kMaxPlane = 1 << 30;  // elements: leaves room for index arithmetic in int

Planes planes(const Array<float>& x) {
    if (static_cast<long long>(x.size(1)) * x.size(2) > kMaxPlane) throw py::value_error("x has more than 2^30 pixels");
    return {x.data(), x.size(0), x.size(1), x.size(2)};
}

py::array_t<float> make_planes(int channels, long long height, long long width, float** data) {
    if (height < 1 || width < 1) throw py::value_error("the kernel is larger than the padded input");
    if (height * width > kMaxPlane) throw py::value_error("the result would have more than 2^30 pixels");
    return make<float>({channels, static_cast<py::ssize_t>(height), static_cast<py::ssize_t>(width)}, data);
}

Kernel kernel(const Array<float>& w, size_t axis, int stride, int padding) {
    const Kernel k{w.size(axis), w.size(axis + 1), stride, padding};
    constexpr int kMaxKernel = 255;
    if (k.height > kMaxKernel || k.width > kMaxKernel) throw py::value_error("w must have kernels of at most 255x255");
    if (stride < 1 || stride > kMaxKernel) throw py::value_error("stride must be from 1 to 255");
    if (padding < 0 || padding >= k.height || padding >= k.width) {
        throw py::value_error("padding must be at least 0 and smaller than the kernel");
    }
    return k;
}

py::array_t<float> conv1x1_checked(const py::object& x_, const py::object& w_, const py::object& b_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto w = take<float>(w_, "w", {kAny, x.size(0)});
    const auto b = take_optional<float>(b_, "b", {w.size(0)});
    float* data;
    auto out = make_planes(w.size(0), x.size(1), x.size(2), &data);
    const py::gil_scoped_release release;
    conv1x1(planes(x), w.data(), b.data(), w.size(0), data);
    return out;
}

py::array_t<float> conv2d_checked(const py::object& x_, const py::object& w_, const py::object& b_, int stride,
                                  int padding) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto w = take<float>(w_, "w", {kAny, x.size(0), kAny, kAny});
    const auto b = take_optional<float>(b_, "b", {w.size(0)});
    const Kernel k = kernel(w, 2, stride, padding);
    const Planes from = planes(x);
    float* data;
    auto out = make_planes(w.size(0), conv_extent(from.height, k.height, stride, padding),
                           conv_extent(from.width, k.width, stride, padding), &data);
    const py::gil_scoped_release release;
    conv2d(from, w.data(), b.data(), w.size(0), k, data);
    return out;
}

py::array_t<float> conv_transpose2d_checked(const py::object& x_, const py::object& w_, const py::object& b_, int stride,
                                            int padding) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto w = take<float>(w_, "w", {x.size(0), kAny, kAny, kAny});
    const auto b = take_optional<float>(b_, "b", {w.size(1)});
    const Kernel k = kernel(w, 2, stride, padding);
    const Planes from = planes(x);
    float* data;
    auto out = make_planes(w.size(1), conv_transpose_extent(from.height, k.height, stride, padding),
                           conv_transpose_extent(from.width, k.width, stride, padding), &data);
    const py::gil_scoped_release release;
    conv_transpose2d(from, w.data(), b.data(), w.size(1), k, data);
    return out;
}

py::array_t<float> depthwise_checked(const py::object& x_, const py::object& w_, const py::object& b_, int padding) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto w = take<float>(w_, "w", {x.size(0), kAny, kAny});
    const auto b = take_optional<float>(b_, "b", {x.size(0)});
    const Kernel k = kernel(w, 1, 1, padding);
    const Planes from = planes(x);
    float* data;
    auto out = make_planes(x.size(0), conv_extent(from.height, k.height, 1, padding),
                           conv_extent(from.width, k.width, 1, padding), &data);
    const py::gil_scoped_release release;
    depthwise(from, w.data(), b.data(), k, data);
    return out;
}

using ResidualFunction = void (*)(const Planes&, const ResidualBlock&, float*);

template <ResidualFunction function, bool partial>
py::array_t<float> residual_checked(const py::object& x_, const py::object& sw_, const py::object& sb_,
                                    const py::object& ew_, const py::object& eb_, const py::object& rw_,
                                    const py::object& rb_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const int channels = x.size(0);
    const auto sw = partial ? take<float>(sw_, "sw", {kAny, kAny, 3, 3}) : take<float>(sw_, "sw", {channels, 3, 3});
    if (partial && (sw.size(0) != sw.size(1) || sw.size(0) > channels)) {
        throw py::value_error("sw must be square in its channels, which are the first of x");
    }
    const auto sb = take<float>(sb_, "sb", {sw.size(0)});
    const auto ew = take<float>(ew_, "ew", {kAny, channels});
    const auto eb = take<float>(eb_, "eb", {ew.size(0)});
    const auto rw = take<float>(rw_, "rw", {channels, ew.size(0)});
    const auto rb = take<float>(rb_, "rb", {channels});
    const Planes from = planes(x);
    float* data;
    auto out = make_planes(channels, from.height, from.width, &data);
    const ResidualBlock block{sw.data(), sb.data(), sw.size(0), ew.data(), eb.data(), ew.size(0), rw.data(), rb.data()};
    const py::gil_scoped_release release;
    function(from, block, data);
    return out;
}

}  // namespace

void bind_conv(py::module_& module) {
    const py::arg x("x"), w("w"), b("b"), stride("stride"), padding("padding");
    const py::arg sw("sw"), sb("sb"), ew("ew"), eb("eb"), rw("rw"), rb("rb");
    module.def("conv1x1", &conv1x1_checked, x, w, b);
    module.def("conv2d", &conv2d_checked, x, w, b, stride, padding);
    module.def("conv_transpose2d", &conv_transpose2d_checked, x, w, b, stride, padding);
    module.def("depthwise", &depthwise_checked, x, w, b, padding);
    module.def("pconv_rb", &residual_checked<pconv_rb, true>, x, sw, sb, ew, eb, rw, rb);
    module.def("dwconv_rb", &residual_checked<dwconv_rb, false>, x, sw, sb, ew, eb, rw, rb);
}

}  // namespace hpcm
