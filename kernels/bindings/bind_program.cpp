// Programs and their operations on numpy arrays: (C, H, W) maps, and parameters of any other number of dimensions.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <optional>

#include "arrays.h"
#include "attributes.h"
#include "bindings.h"
#include "coder.h"
#include "executor.h"
#include "fpenv.h"
#include "held.h"
#include "program.h"
#include "status.h"
#include "strips.h"

namespace hpcm {
namespace {

using Sides = std::pair<int64_t, int64_t>;

Grid grid_of(const Sides& sides) {
    if (sides.first < 1 || sides.second < 1 || sides.first > 1 << 26 || sides.second > 1 << 26) {
        throw py::value_error("a grid has 1 to 2^26 rows and columns");
    }
    return {sides.first, sides.second};
}

Span span_of(const Sides& sides) { return {sides.first, sides.second}; }

Shape shape_of(const Array<float>& x) { return {x.shape()[0], x.shape()[1], x.shape()[2]}; }

Operand operand_of(const py::object& object, std::vector<Array<float>>& held) {
    if (object.is_none()) return {};
    held.push_back(take<float>(object, "an operand"));
    const Array<float>& x = held.back();
    if (x.shape().size() == 3) return Operand::map(x.data(), shape_of(x));
    if (x.shape().empty() || x.shape().size() > 4) throw py::value_error("parameters have 1 to 4 dimensions");
    Operand operand;
    operand.data = x.data();
    operand.rank = static_cast<int>(x.shape().size());
    std::copy(x.shape().begin(), x.shape().end(), operand.dims.begin());
    operand.shape = {static_cast<int64_t>(x.count()), 1, 1};
    operand.plane = 1;
    return operand;
}

// One operation by its kernel, or by its definition. attributes: a JSON array.
py::array_t<float> run_operation(const std::string& name, const py::list& operands_, const std::string& attributes_, const Sides& grid_,
                                 bool definition) {
    const Grid grid = grid_of(grid_);
    const Json json = Json::parse(attributes_);
    Attributes attributes(json.items(), 0, name);
    const std::unique_ptr<Operation> operation = make_operation(name, attributes);
    std::vector<Array<float>> held;
    held.reserve(operands_.size());
    Operands operands;
    for (const py::handle& object : operands_) operands.push_back(operand_of(py::reinterpret_borrow<py::object>(object), held));
    const Shape shape = operation->shape(operands, grid);
    float* data;
    auto out = make<float>({shape.channels, shape.rows, shape.columns}, &data);
    const py::gil_scoped_release release;
    const FpGuard guard;
    const Call call{operands, grid, data, shape, static_cast<ptrdiff_t>(shape.pixels())};
    if (definition) {
        operation->define(call);
    } else if (shape.count() > 0) {
        operation->run(call);
    }
    return out;
}

py::array_t<float> copied(const float* from, const Shape& shape) {
    float* data;
    auto out = make<float>({shape.channels, shape.rows, shape.columns}, &data);
    std::copy_n(from, shape.count(), data);
    return out;
}

// Asks a Python function for the values of each step.
class PythonCoder final : public Coder {
public:
    explicit PythonCoder(py::function function) : function_(std::move(function)) {}

    void code(const CodeStep& step) override {
        const py::gil_scoped_acquire acquire;
        const auto array = [&](const float* data) { return data ? py::object(copied(data, step.shape)) : py::object(py::none()); };
        const py::object made = function_(step.stream, array(step.mean), array(step.scale), array(step.delta), array(step.layout));
        const auto values = take<float>(made, "values", {step.shape.channels, step.shape.rows, step.shape.columns});
        std::copy_n(values.data(), values.count(), step.values);
    }

private:
    py::function function_;
};

// A StreamCoder with what it borrows.
class PythonStreams {
public:
    PythonStreams(const py::list& streams, py::object tables, const py::object& y_thresholds, const py::object& z_thresholds,
                  const py::object& levels)
        : tables_(std::move(tables), y_thresholds, z_thresholds, levels) {
        std::vector<StreamCoder::Stream> found;
        for (const py::handle& stream : streams) {
            if (stream.is_none()) {
                found.emplace_back();
                continue;
            }
            const std::string_view bytes = py::reinterpret_borrow<py::bytes>(stream);
            found.push_back({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
        }
        coder_.emplace(tables_.tables(), found);
    }

    py::array_t<float> hyper(const py::object& z_scale_, const Sides& sides, const Sides& own) {
        const auto z_scale = take<float>(z_scale_, "z_scale");
        const Shape shape{static_cast<int64_t>(z_scale.count()), sides.first, sides.second};
        if (own.first < 0 || own.second < 0 || own.first > shape.rows || own.second > shape.columns) {
            throw py::value_error("the coded part is larger than the hyper-latent");
        }
        const std::vector<float> made = coder_->hyper(z_scale.data(), shape, own.first, own.second);
        return copied(made.data(), shape);
    }

    void finish() const { coder_->finish(); }
    StreamCoder& coder() { return *coder_; }

private:
    HeldTables tables_;
    std::optional<StreamCoder> coder_;
};

Strips strips_of(const Entry& entry, const Sides& sides, const std::string& source, const Sides& rows, const Sides& columns) {
    const int number = entry.input(source);
    if (number < 0) throw py::value_error("the entry has no input " + source);
    return Strips(entry, grid_of(sides), number, span_of(rows), span_of(columns));
}

template <typename Needed>
std::vector<const float*> take_inputs(const Entry& entry, const py::dict& given, const Grid& grid,
                                      std::vector<Array<float>>& held, Needed needed) {
    std::vector<const float*> inputs;
    for (size_t i = 0; i < entry.inputs.size(); ++i) {
        const Input& input = entry.inputs[i];
        inputs.push_back(nullptr);
        if (!needed(i)) continue;
        if (!given.contains(input.name)) throw py::value_error("input " + input.name + " is missing");
        const Shape shape = input.shape(grid);
        held.push_back(take<float>(given[py::str(input.name)], input.name.c_str(), {shape.channels, shape.rows, shape.columns}));
        inputs.back() = held.back().data();
    }
    return inputs;
}

py::dict run(const HeldProgram& held_program, const std::string& name, const py::dict& inputs_, const Sides& sides, const py::object& coder_,
             double memory, double work) {
    const Entry& entry = held_program.program().at(name);
    const Executor executor(entry, grid_of(sides), inputs_.contains("layout"), {memory, work});
    std::vector<Array<float>> held;
    const std::vector<const float*> inputs = take_inputs(entry, inputs_, grid_of(sides), held,
                                                         [&](size_t input) { return executor.needs(input); });
    py::dict results;
    std::vector<float*> data;
    for (const Output& output : entry.outputs) {
        const Shape& shape = executor.shape(output.value);
        data.emplace_back();
        results[py::str(output.name)] = make<float>({shape.channels, shape.rows, shape.columns}, &data.back());
    }
    std::optional<PythonCoder> own;
    Coder* coder = nullptr;
    if (py::isinstance<PythonStreams>(coder_)) {
        coder = &coder_.cast<PythonStreams&>().coder();
    } else if (!coder_.is_none()) {
        coder = &own.emplace(coder_.cast<py::function>());
    }
    const py::gil_scoped_release release;
    executor.run(inputs, data, coder);
    return results;
}

// read(rows, columns) -> array (C, rows, columns) of the input `source`; write(rows, columns, array) takes the result's.
void run_rows(const HeldProgram& held_program, const std::string& name, const py::dict& inputs_, const Sides& sides, const std::string& source,
              const py::function& read, const py::function& write, const Sides& rows, const Sides& columns, int64_t step) {
    const Entry& entry = held_program.program().at(name);
    const Strips strips = strips_of(entry, sides, source, rows, columns);
    if (step < 1) throw py::value_error("step must be at least 1");
    std::vector<Array<float>> held;
    const int number = entry.input(source);
    const std::vector<const float*> inputs =
        take_inputs(entry, inputs_, grid_of(sides), held, [&](size_t input) { return static_cast<int>(input) != number; });
    const auto pair = [](const Span& span) { return py::make_tuple(span.start, span.stop); };
    const py::gil_scoped_release release;
    strips.run(
        inputs, step,
        [&](const Piece& piece) {
            const py::gil_scoped_acquire acquire;
            const auto given = take<float>(read(pair(piece.rows), pair(piece.columns)), "a piece",
                                           {piece.channels, piece.rows.size(), piece.columns.size()});
            const int64_t count = piece.rows.size() * piece.columns.size();
            for (int64_t c = 0; c < piece.channels; ++c) std::copy_n(given.data() + c * count, count, piece.data + c * piece.plane);
        },
        [&](const Piece& piece) {
            const py::gil_scoped_acquire acquire;
            float* data;
            const int64_t count = piece.rows.size() * piece.columns.size();
            auto out = make<float>({piece.channels, piece.rows.size(), piece.columns.size()}, &data);
            for (int64_t c = 0; c < piece.channels; ++c) std::copy_n(piece.data + c * piece.plane, count, data + c * count);
            write(pair(piece.rows), pair(piece.columns), out);
        });
}

// Of a run: bytes, multiply-adds.
std::pair<double, double> needs(const HeldProgram& held_program, const std::string& name, const Sides& sides, bool layout) {
    const Executor executor(held_program.program().at(name), grid_of(sides), layout, {std::numeric_limits<double>::infinity(), 0x1p60});
    return {executor.bytes(), executor.work()};
}

std::pair<int64_t, double> step_within(const HeldProgram& held_program, const std::string& name, const Sides& sides, const std::string& source,
                                       const Sides& rows, const Sides& columns, double bytes, int64_t unit) {
    const Strips strips = strips_of(held_program.program().at(name), sides, source, rows, columns);
    const int64_t step = strips.rows_within(bytes, std::max<int64_t>(1, unit));
    return {step, strips.bytes(step)};
}

}  // namespace

void bind_program(py::module_& module) {
    static py::exception<Error> core_error(module, "CoreError", PyExc_ValueError);
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const Error& error) {
            PyErr_SetObject(core_error.ptr(), py::make_tuple(error.what(), static_cast<int>(error.status())).ptr());
        }
    });
    module.def("operation_names", &operation_names);
    module.def("run_operation", &run_operation, py::arg("name"), py::arg("operands"), py::arg("attributes"), py::arg("grid"),
               py::arg("definition"));
    py::class_<PythonStreams>(module, "StreamCoder")
        .def(py::init<const py::list&, py::object, const py::object&, const py::object&, const py::object&>(), py::arg("streams"),
             py::arg("tables"), py::arg("y_thresholds"), py::arg("z_thresholds"), py::arg("levels"))
        .def("hyper", &PythonStreams::hyper, py::arg("z_scale"), py::arg("sides"), py::arg("own"))
        .def("finish", &PythonStreams::finish);
    py::class_<HeldProgram>(module, "Program")
        .def(py::init<const std::string&, const py::dict&, const std::vector<std::string>&>(), py::arg("text"), py::arg("arrays"),
             py::arg("entries"))
        .def("run", &run, py::arg("entry"), py::arg("inputs"), py::arg("grid"), py::arg("coder"), py::arg("memory"),
             py::arg("work"))
        .def("rows", &run_rows, py::arg("entry"), py::arg("inputs"), py::arg("grid"), py::arg("source"), py::arg("read"),
             py::arg("write"), py::arg("rows"), py::arg("columns"), py::arg("step"))
        .def("needs", &needs, py::arg("entry"), py::arg("grid"), py::arg("layout"))
        .def("step_within", &step_within, py::arg("entry"), py::arg("grid"), py::arg("source"), py::arg("rows"),
             py::arg("columns"), py::arg("bytes"), py::arg("unit"));
}

}  // namespace hpcm
