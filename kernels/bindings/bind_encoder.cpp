// Encoding of tiles: latents in, streams out.
#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "bindings.h"
#include "held.h"
#include "tile_encoder.h"

namespace hpcm {
namespace {

template <typename T>
py::array_t<T> owned(std::vector<T>&& values, std::vector<py::ssize_t> shape) {
    auto held = std::make_unique<std::vector<T>>(std::move(values));
    T* const data = held->data();
    const py::capsule owner(held.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
    return py::array_t<T>(std::move(shape), data, owner);
}

py::object object_of(KeptStep&& step, Keep keep) {
    const py::ssize_t count = static_cast<py::ssize_t>(step.values.size());
    if (keep == Keep::residuals) return py::make_tuple(owned(std::move(step.values), {count}), owned(std::move(step.rows), {count}));
    return owned(std::move(step.values), {step.shape.channels, step.shape.rows, step.shape.columns});
}

Condition condition_of(const py::dict& vectors) {
    Condition made;
    for (const auto& [name, vector] : vectors) {
        const auto values = take<float>(py::reinterpret_borrow<py::object>(vector), "a vector of the condition");
        made[name.cast<std::string>()].assign(values.data(), values.data() + values.count());
    }
    return made;
}

// Stops where Ctrl-C or another signal of Python's raises; in its main thread, which hears of them.
bool go_on(double) {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    return true;
}

// A TileEncoder with what it borrows.
class PythonTileEncoder {
public:
    PythonTileEncoder(py::object program, py::object tables, const py::object& y_thresholds, const py::object& z_thresholds,
                      const py::object& levels, float strength, float weight)
        : program_(std::move(program)), tables_(std::move(tables), y_thresholds, z_thresholds, levels),
          encoder_(this->program(), tables_.tables(), {strength, weight}) {}

    double bytes(int64_t height, int64_t width) const { return encoder_.bytes(area_of(height, width)); }
    double coding_seconds() const { return encoder_.coding_seconds(); }

    // tiles: (height, width, y, z or None). Of each: streams, check value, latents or None, and of steps what is kept.
    py::list encode(const py::list& tiles, const py::dict& vectors, int workers, Keep keep) const {
        std::vector<Array<float>> held;
        std::vector<GivenTile> given;
        for (const py::handle& handle : tiles) {
            const auto [height, width, y, z] = handle.cast<std::tuple<int64_t, int64_t, py::object, py::object>>();
            const TileArea area = area_of(height, width);
            const Shape shape{program().latent_channels, area.grid.rows, area.grid.columns}, hyper = area.hyper(program());
            held.push_back(take<float>(y, "latents", {shape.channels, shape.rows, shape.columns}));
            given.push_back({area, held.back().data()});
            if (z.is_none()) continue;
            held.push_back(take<float>(z, "hyper-latents", {hyper.channels, hyper.rows, hyper.columns}));
            given.back().hyper = held.back().data();
        }
        const Condition condition = condition_of(vectors);
        std::vector<CodedTile> made;
        {
            const py::gil_scoped_release release;
            made = encoder_.encode(given, condition, workers, keep, go_on);
        }
        py::list results;
        for (size_t i = 0; i < made.size(); ++i) {
            const Grid& grid = given[i].area.grid;
            py::list streams, steps;
            for (const auto& stream : made[i].streams) streams.append(py::bytes(reinterpret_cast<const char*>(stream.data()), stream.size()));
            for (KeptStep& step : made[i].steps) steps.append(object_of(std::move(step), keep));
            py::object latents = py::none();
            if (keep == Keep::latents) latents = owned(std::move(made[i].latents), {program().latent_channels, grid.rows, grid.columns});
            results.append(py::make_tuple(streams, made[i].check, latents, steps));
        }
        return results;
    }

private:
    const Program& program() const { return program_.cast<const HeldProgram&>().program(); }

    TileArea area_of(int64_t height, int64_t width) const {
        if (height < 1 || width < 1 || height > 1 << 26 || width > 1 << 26) throw py::value_error("a tile has 1 to 2^26 pixels along a side");
        return {program(), height, width};
    }

    py::object program_;
    HeldTables tables_;
    TileEncoder encoder_;
};

}  // namespace

void bind_encoder(py::module_& module) {
    py::enum_<Keep>(module, "Keep")
        .value("NOTHING", Keep::nothing)
        .value("LATENTS", Keep::latents)
        .value("RESIDUALS", Keep::residuals)
        .value("NEAR", Keep::near);
    py::class_<PythonTileEncoder>(module, "TileEncoder")
        .def(py::init<py::object, py::object, const py::object&, const py::object&, const py::object&, float, float>(), py::arg("program"),
             py::arg("tables"), py::arg("y_thresholds"), py::arg("z_thresholds"), py::arg("levels"), py::arg("strength"),
             py::arg("weight"))
        .def("encode", &PythonTileEncoder::encode, py::arg("tiles"), py::arg("condition"), py::arg("workers"), py::arg("keep"))
        .def("bytes", &PythonTileEncoder::bytes, py::arg("height"), py::arg("width"))
        .def_property_readonly("coding_seconds", &PythonTileEncoder::coding_seconds);
}

}  // namespace hpcm
