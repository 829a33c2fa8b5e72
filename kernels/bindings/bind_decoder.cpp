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
#include "exif.h"
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

// Room for a file's bytes, which Python reads: its own allocator would take thousands of page faults for a model.
class Room {
public:
    explicit Room(size_t size) : memory_(ResultMemory::take(size)), size_(size) {}
    py::buffer_info buffer() { return {static_cast<uint8_t*>(memory_->data()), static_cast<py::ssize_t>(size_)}; }

private:
    HeldMemory memory_;
    size_t size_;
};

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

Limits limits_of(uint64_t most_pixels, uint64_t most_metadata) {
    Limits limits;
    limits.pixels = most_pixels;
    limits.metadata = most_metadata;
    return limits;
}

// A file's structure, and the bytes that it is of, which it keeps.
class File {
public:
    File(const py::buffer& data, uint64_t most_pixels, uint64_t most_metadata, bool allow_truncated)
        : view_(data), container_(view_.bytes(), limits_of(most_pixels, most_metadata), allow_truncated) {}

    const Container& container() const { return container_; }
    const Header& header() const { return container_.header(); }
    size_t size() const { return view_.bytes().size; }

    std::optional<float> quality() const {
        return header().quality == 0.0f ? std::optional<float>() : std::optional<float>(header().quality);
    }

    // Bytes of the streams of a tile that are whole, and whether they are all.
    std::pair<std::vector<size_t>, bool> tile(uint64_t index) const {
        const Tile tile = container_.tile(index);
        std::vector<size_t> sizes;
        for (const Bytes& stream : tile.streams) sizes.push_back(stream.size);
        return {sizes, tile.complete};
    }

    // Bytes of each kind of stream, of exact streams; exact tiles, and parts alone, on top and of alpha.
    py::tuple contents() const {
        Contents found;
        {
            const py::gil_scoped_release release;
            found = container_.contents();
        }
        return py::make_tuple(found.streams, found.exact, found.exact_tiles, found.alone, found.on_top, found.alpha);
    }

    std::optional<int> most_error() const {
        return header().most_error < 0 ? std::optional<int>() : std::optional<int>(header().most_error);
    }

    std::optional<py::tuple> cicp() const {
        const auto& points = header().cicp;
        if (points[0] == 0) return std::nullopt;
        return py::make_tuple(int(points[0]), int(points[1]), int(points[2]));
    }

    py::bytes model_id() const {
        const auto& id = header().model_id;
        return py::bytes(reinterpret_cast<const char*>(id.data()), header().learned() ? id.size() : 0);
    }

    std::optional<py::bytes> metadata(Kind kind) const {
        const auto found = container_.metadata(kind);
        if (!found) return std::nullopt;
        return py::bytes(reinterpret_cast<const char*>(found->data()), found->size());
    }

    void verify() const {
        const py::gil_scoped_release release;
        container_.verify();
    }

private:
    View view_;
    Container container_;
};

// (width, height, channels, depth, samples, alpha samples or None) of a rectangle, in bytes or, beyond a depth of 8, 16 bits each;
// progress(share) that gives False cancels.
py::tuple decode(const File& opened, const std::shared_ptr<Model>& model, const std::optional<Rectangle>& rectangle, int scale,
                 uint64_t most_memory, uint64_t reserved, const std::optional<std::function<bool(double)>>& progress) {
    const Container& file = opened.container();
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
    py::class_<Room>(module, "Room", py::buffer_protocol()).def(py::init<size_t>()).def_buffer(&Room::buffer);
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
    py::class_<File>(module, "File")
        .def(py::init<const py::buffer&, uint64_t, uint64_t, bool>(), py::arg("data"), py::arg("most_pixels"), py::arg("most_metadata"),
             py::arg("allow_truncated"))
        .def_property_readonly("width", [](const File& file) { return file.header().width; })
        .def_property_readonly("height", [](const File& file) { return file.header().height; })
        .def_property_readonly("channels", [](const File& file) { return file.header().channels; })
        .def_property_readonly("bit_depth", [](const File& file) { return file.header().bit_depth; })
        .def_property_readonly("streams", [](const File& file) { return file.header().streams; })
        .def_property_readonly("tile_size", [](const File& file) { return file.header().tile_size; })
        .def_property_readonly("tiles", [](const File& file) { return file.header().tiles(); })
        .def_property_readonly("model_name", [](const File& file) { return file.header().model_name; })
        .def_property_readonly("model_id", &File::model_id)
        .def_property_readonly("quality", &File::quality)
        .def_property_readonly("size", &File::size)
        .def_property_readonly("truncated", [](const File& file) { return file.container().truncated(); })
        .def_property_readonly("tiles_present", [](const File& file) { return file.container().tiles_present(); })
        .def_property_readonly("has_alpha", [](const File& file) { return file.header().alpha; })
        .def_property_readonly("learned", [](const File& file) { return file.header().learned(); })
        .def_property_readonly("most_error", &File::most_error)
        .def_property_readonly("cicp", &File::cicp)
        .def_property_readonly("exact_tile_size", [](const File& file) { return file.header().exact_tile_size; })
        .def_property_readonly("exact_tiles", [](const File& file) { return file.header().exact_tiles(); })
        .def_property_readonly("icc", [](const File& file) { return file.metadata(Kind::icc); })
        .def_property_readonly("exif", [](const File& file) { return file.metadata(Kind::exif); })
        .def_property_readonly("xmp", [](const File& file) { return file.metadata(Kind::xmp); })
        .def("tile", &File::tile, py::arg("index"))
        .def("contents", &File::contents)
        .def("verify", &File::verify);
    module.def("decode", &decode, py::arg("file"), py::arg("model"), py::arg("region"), py::arg("scale"), py::arg("most_memory"),
               py::arg("reserved"), py::arg("progress"));
    module.def("exif_problem", [](const py::buffer& block) { return exif_problem(View(block).bytes()); }, py::arg("block"));
}

}  // namespace hpcm
