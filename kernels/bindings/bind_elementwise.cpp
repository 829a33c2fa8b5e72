#include <pybind11/stl.h>

#include "arrays.h"
#include "bindings.h"
#include "elementwise.h"

namespace hpcm {
namespace {

constexpr int kMaxFactor = 64;

py::array_t<float> leaky_relu_checked(const py::object& x_, float slope) {
    const auto x = take<float>(x_, "x");
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    leaky_relu(x.data(), x.count(), slope, data);
    return out;
}

void same_shape(const Array<float>& a, const Array<float>& b, const char* name) {
    if (a.shape() != b.shape()) throw py::value_error(std::string(name) + " must have the shape of a");
}

py::array_t<float> add_checked(const py::object& a_, const py::object& b_) {
    const auto a = take<float>(a_, "a"), b = take<float>(b_, "b");
    same_shape(a, b, "b");
    float* data;
    auto out = make<float>(a.shape(), &data);
    const py::gil_scoped_release release;
    add(a.data(), b.data(), a.count(), data);
    return out;
}

py::array_t<float> fma_checked(const py::object& a_, const py::object& b_, const py::object& c_) {
    const auto a = take<float>(a_, "a"), b = take<float>(b_, "b"), c = take<float>(c_, "c");
    same_shape(a, b, "b");
    same_shape(a, c, "c");
    float* data;
    auto out = make<float>(a.shape(), &data);
    const py::gil_scoped_release release;
    fma_each(a.data(), b.data(), c.data(), a.count(), data);
    return out;
}

py::array_t<float> per_channel(const py::object& x_, const py::object& scale_, const py::object* shift_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto scale = take<float>(scale_, "scale", {x.size(0)});
    const auto shift = shift_ ? take<float>(*shift_, "shift", {x.size(0)}) : Array<float>();
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    scale_shift(x.data(), static_cast<size_t>(x.size(0)), x.count() / x.size(0), scale.data(), shift.data(), data);
    return out;
}

py::array_t<float> blend_rows_checked(const py::object& weights_, const py::object& rows_) {
    const auto rows = take<float>(rows_, "rows", {kAny, kAny});
    const auto weights = take<float>(weights_, "weights", {rows.size(0)});
    float* data;
    auto out = make<float>({rows.size(1)}, &data);
    const py::gil_scoped_release release;
    blend_rows(weights.data(), rows.data(), rows.size(0), static_cast<size_t>(rows.size(1)), data);
    return out;
}

void check_factor(int r) {
    if (r < 1 || r > kMaxFactor) throw py::value_error("r must be from 1 to 64");
}

py::array_t<float> pixel_shuffle_checked(const py::object& x_, int r) {
    check_factor(r);
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    if (x.size(0) % (r * r) != 0) throw py::value_error("x must have a multiple of r*r channels");
    const int channels = x.size(0) / (r * r);
    float* data;
    auto out = make<float>({channels, x.shape()[1] * r, x.shape()[2] * r}, &data);
    const py::gil_scoped_release release;
    pixel_shuffle(x.data(), channels, x.size(1), x.size(2), r, data);
    return out;
}

py::array_t<float> pixel_unshuffle_checked(const py::object& x_, int r) {
    check_factor(r);
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    if (x.size(1) % r != 0 || x.size(2) % r != 0) throw py::value_error("height and width of x must be multiples of r");
    const int height = x.size(1) / r, width = x.size(2) / r;
    float* data;
    auto out = make<float>({x.shape()[0] * r * r, height, width}, &data);
    const py::gil_scoped_release release;
    pixel_unshuffle(x.data(), x.size(0), height, width, r, data);
    return out;
}

// Planes whose rows lie in memory as wholes, at any distance from each other: what slices of rows and columns are.
RowsOfPlanes take_rows(const py::array& part) {
    constexpr auto kFloat = static_cast<py::ssize_t>(sizeof(float));
    const bool whole = part.ndim() == 3 && part.shape(0) >= 1 && part.shape(2) >= 1 && part.strides(2) == kFloat;
    const bool aligned = reinterpret_cast<uintptr_t>(part.data()) % alignof(float) == 0;
    if (!whole || !aligned || !py::isinstance<py::array_t<float, 0>>(part) || part.shape(0) > INT_MAX ||
        part.shape(1) > INT_MAX || part.shape(2) > INT_MAX || part.strides(0) % kFloat || part.strides(1) % kFloat) {
        throw py::value_error("parts must be float32 arrays of shape (any, any, any) with rows in one piece");
    }
    return {static_cast<const float*>(part.data()), static_cast<int>(part.shape(1)), part.strides(0) / kFloat,
            part.strides(1) / kFloat};
}

py::array_t<float> join_rows_checked(const std::vector<py::array>& parts) {
    if (parts.empty()) throw py::value_error("parts must not be empty");
    std::vector<RowsOfPlanes> rows;
    py::ssize_t height = 0;
    for (const py::array& part : parts) {
        rows.push_back(take_rows(part));
        if (part.shape(0) != parts[0].shape(0) || part.shape(2) != parts[0].shape(2)) {
            throw py::value_error("parts must have the same channels and width");
        }
        height += part.shape(1);
    }
    const py::ssize_t channels = parts[0].shape(0), width = parts[0].shape(2);
    float* data;
    auto out = make<float>({channels, height, width}, &data);
    const py::gil_scoped_release release;
    join_rows(rows, static_cast<int>(channels), static_cast<int>(width), data);
    return out;
}

py::array_t<uint8_t> round_pixels_checked(const py::object& x_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    uint8_t* data;
    auto out = make<uint8_t>({x.shape()[1], x.shape()[2], x.shape()[0]}, &data);
    const py::gil_scoped_release release;
    const size_t pixels = x.count() / static_cast<size_t>(x.size(0));
    round_pixels(x.data(), static_cast<ptrdiff_t>(pixels), x.size(0), pixels, 255.0f, data);
    return out;
}

py::array_t<float> lapped_filter_checked(const py::object& x_, const py::object& p_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    const auto p = take<float>(p_, "p", {16, 16});
    if (x.size(1) % 16 != 0 || x.size(2) % 16 != 0) throw py::value_error("height and width of x must be multiples of 16");
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    lapped_filter({x.data(), x.size(0), x.size(1), x.size(2)}, p.data(), data);
    return out;
}

}  // namespace

void bind_elementwise(py::module_& module) {
    using py::arg;
    module.def("leaky_relu", &leaky_relu_checked, arg("x"), arg("slope"));
    module.def("add", &add_checked, arg("a"), arg("b"));
    module.def("fma", &fma_checked, arg("a"), arg("b"), arg("c"));
    module.def(
        "scale_shift",
        [](const py::object& x, const py::object& scale, const py::object& shift) { return per_channel(x, scale, &shift); },
        arg("x"), arg("scale"), arg("shift"));
    module.def(
        "multiply_channels",
        [](const py::object& x, const py::object& scale) { return per_channel(x, scale, nullptr); }, arg("x"),
        arg("scale"));
    module.def("blend_rows", &blend_rows_checked, arg("weights"), arg("rows"));
    module.def("pixel_shuffle", &pixel_shuffle_checked, arg("x"), arg("r"));
    module.def("pixel_unshuffle", &pixel_unshuffle_checked, arg("x"), arg("r"));
    module.def("join_rows", &join_rows_checked, arg("parts"));
    module.def("round_pixels", &round_pixels_checked, arg("x"));
    module.def("lapped_filter", &lapped_filter_checked, arg("x"), arg("p"));
}

}  // namespace hpcm
