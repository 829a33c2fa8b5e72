// Decoding of whole files: bytes in, bytes out. numpy is not needed.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "bindings.h"
#include "container.h"
#include "decoder.h"
#include "model.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

namespace py = pybind11;

using Rectangle = std::tuple<int64_t, int64_t, int64_t, int64_t>;

// Bytes of a Python object while it is in use.
class View {
public:
    explicit View(const py::buffer& object) : info_(object.request()) {
        if (info_.ndim != 1 || info_.itemsize != 1 || (info_.size != 0 && info_.strides[0] != 1)) {
            throw py::value_error("a run of bytes is expected");
        }
    }
    Bytes bytes() const { return {static_cast<const uint8_t*>(info_.ptr), static_cast<size_t>(info_.size)}; }

private:
    py::buffer_info info_;
};

py::bytearray block(size_t size, uint8_t** data) {
    PyObject* made = PyByteArray_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
    if (made == nullptr) throw py::error_already_set();
    *data = reinterpret_cast<uint8_t*>(PyByteArray_AsString(made));
    return py::reinterpret_steal<py::bytearray>(made);
}

// Identity (32 bytes) -> the model of it, or None.
using FindBase = std::function<std::shared_ptr<Model>(const py::bytes&)>;

std::shared_ptr<const Model> find_base(const FindBase& find, const Digest& identity) {
    const py::gil_scoped_acquire acquire;
    return find(py::bytes(reinterpret_cast<const char*>(identity.data()), identity.size()));
}

std::shared_ptr<const Model> read_model(const py::buffer& data, const std::optional<FindBase>& find) {
    const View view(data);
    const py::gil_scoped_release release;
    return std::make_shared<const Model>(ModelFile::read(view.bytes(), [&](const Digest& identity) -> std::shared_ptr<const ModelFile> {
        const std::shared_ptr<const Model> base = find ? find_base(*find, identity) : nullptr;
        if (!base || base->file().identity() != identity) return nullptr;
        return {base, &base->file()};
    }));
}

// Rows of pixels to where colours and alpha lie by themselves.
template <typename T>
void split(const void* pixels, size_t count, size_t channels, uint8_t* colours, uint8_t* alpha, size_t first) {
    const T* from = static_cast<const T*>(pixels);
    T *to = reinterpret_cast<T*>(colours) + first * channels, *own = reinterpret_cast<T*>(alpha) + first;
    for (size_t i = 0; i < count; ++i, from += channels + 1, to += channels) {
        std::copy_n(from, channels, to);
        own[i] = from[channels];
    }
}

// (width, height, channels, depth, samples, alpha samples or None) of a rectangle, in bytes or, beyond a depth of 8, 16 bits each;
// progress(share) that gives False cancels.
py::tuple decode(const py::buffer& data, const std::shared_ptr<Model>& model, const std::optional<Rectangle>& rectangle, int scale,
                 bool allow_truncated, uint64_t most_pixels, uint64_t most_memory, uint64_t reserved,
                 const std::optional<std::function<bool(double)>>& progress) {
    const View view(data);
    Limits limits;
    limits.pixels = most_pixels;
    limits.memory = most_memory;
    const Container file(view.bytes(), limits, allow_truncated);
    const Header& header = file.header();
    Region region{0, 0, header.width, header.height};
    if (rectangle) region = {std::get<0>(*rectangle), std::get<1>(*rectangle), std::get<2>(*rectangle), std::get<3>(*rectangle)};
    const size_t bytes = header.bit_depth > 8 ? 2 : 1;
    const Decoding decoding(file, model.get(), region, scale, static_cast<int>(8 * bytes));
    const size_t pixels = static_cast<size_t>(decoding.width() * decoding.height()), channels = static_cast<size_t>(header.channels);
    uint8_t *samples, *alpha = nullptr;
    const py::bytearray made = block(pixels * channels * bytes, &samples);
    const py::object made_alpha = header.alpha ? py::object(block(pixels * bytes, &alpha)) : py::object(py::none());
    Progress tell;
    if (progress) {
        tell = [&](double share) {
            const py::gil_scoped_acquire acquire;
            return (*progress)(share);
        };
    }
    {
        const py::gil_scoped_release release;
        const size_t width = static_cast<size_t>(decoding.width());
        decoding.run(most_memory, reserved, [&](int64_t y, int64_t rows, const void* from) {
            const size_t first = static_cast<size_t>(y) * width, count = static_cast<size_t>(rows) * width;
            if (alpha == nullptr) {
                std::memcpy(samples + first * channels * bytes, from, count * channels * bytes);
            } else if (bytes == 1) {
                split<uint8_t>(from, count, channels, samples, alpha, first);
            } else {
                split<uint16_t>(from, count, channels, samples, alpha, first);
            }
        }, tell);
    }
    return py::make_tuple(decoding.width(), decoding.height(), header.channels, header.bit_depth, made, made_alpha);
}

}  // namespace

void bind_decoder(py::module_& module) {
    py::class_<Model, std::shared_ptr<Model>>(module, "Model")
        .def(py::init([](const py::buffer& data, const std::optional<FindBase>& find) {
                 return std::const_pointer_cast<Model>(read_model(data, find));
             }),
             py::arg("data"), py::arg("find_base") = py::none())
        .def_property_readonly("identity", [](const Model& model) {
            const Digest& digest = model.file().identity();
            return py::bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
        })
        .def_property_readonly("size", [](const Model& model) { return model.file().bytes(); })
        .def_property_readonly("name", [](const Model& model) { return model.file().name(); });
    module.def("decode", &decode, py::arg("data"), py::arg("model"), py::arg("region"), py::arg("scale"), py::arg("allow_truncated"),
               py::arg("most_pixels"), py::arg("most_memory"), py::arg("reserved"), py::arg("progress"));
}

}  // namespace hpcm
