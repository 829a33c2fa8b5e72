#include "arrays.h"
#include "bindings.h"
#include "exact.h"

namespace hpcm {
namespace {

exact::Shape shape_of(const std::vector<py::ssize_t>& shape, int depth) {
    const bool three = shape.size() == 3 && shape[0] > 0 && shape[1] > 0;
    if (!three) throw py::value_error("samples must have shape (height, width, channels)");
    if (shape[2] < 1 || shape[2] > exact::kMaxChannels) throw py::value_error("samples must have 1 to 4 channels");
    return {size_t(shape[1]), size_t(shape[0]), int(shape[2]), depth};
}

template <typename T>
exact::View<const T> view_of(const Array<T>& array) {
    return {array.data(), array.data() ? size_t(array.shape()[1]) * size_t(array.shape()[2]) : 0};
}

template <typename T>
py::bytes encode(const py::object& samples_, int depth, const py::object& reference_, int near, int effort) {
    const auto samples = take<T>(samples_, "samples");
    const exact::Shape shape = shape_of(samples.shape(), depth);
    const auto& s = samples.shape();
    const auto reference = take_optional<T>(reference_, "reference", {s[0], s[1], s[2]});
    std::vector<uint8_t> stream;
    {
        const py::gil_scoped_release release;
        stream = exact::encode<T>(view_of(samples), shape, view_of(reference), {near, effort});
    }
    return py::bytes(reinterpret_cast<const char*>(stream.data()), stream.size());
}

template <typename T>
py::array decode(const py::bytes& data, py::ssize_t height, py::ssize_t width, py::ssize_t channels, int depth,
                 const py::object& reference_) {
    const exact::Shape shape = shape_of({height, width, channels}, depth);
    exact::check(shape, sizeof(T));
    const auto reference = take_optional<T>(reference_, "reference", {height, width, channels});
    const std::string_view view = data;
    T* samples;
    auto out = make<T>({height, width, channels}, &samples);
    const py::gil_scoped_release release;
    const uint8_t* bytes = reinterpret_cast<const uint8_t*>(view.data());
    exact::decode<T>(bytes, view.size(), shape, view_of(reference), {samples, size_t(width * channels)});
    return out;
}

}  // namespace

void bind_exact(py::module_& module) {
    const auto give = [&](const char* suffix, auto zero) {
        using T = decltype(zero);
        module.def((std::string("exact_encode") + suffix).c_str(), &encode<T>, py::arg("samples"), py::arg("depth"), py::arg("reference"),
                   py::arg("near"), py::arg("effort"));
        module.def((std::string("exact_decode") + suffix).c_str(), &decode<T>, py::arg("data"), py::arg("height"), py::arg("width"),
                   py::arg("channels"), py::arg("depth"), py::arg("reference"));
    };
    give("8", uint8_t());
    give("16", uint16_t());
}

}  // namespace hpcm
