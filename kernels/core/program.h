// A network as data: lists of nodes that executors run (FORMAT.md, "Programs"). Read from a model file's manifest, and hostile
// until it is checked: everything here is bounded, and what passes can be run on any grid within the limits of a run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "operation.h"

namespace hpcm {

// An array of the model file. Its data must stay where they are while programs use them.
struct Parameter {
    const float* data = nullptr;  // null: the model has none of this name
    std::vector<int64_t> dims;
};

using Parameters = std::function<Parameter(const std::string& name)>;

// An operand of a node: a value by its number, or what is known when the program is read.
struct Source {
    int value = -1;
    Operand constant;  // where there is no value: a parameter, a number, or absent
};

// A node without operation is `code`: operands mean, scale, delta or absent, layout.
struct Node {
    std::unique_ptr<Operation> operation;
    std::vector<Source> operands;
    int stream = 0;

    bool codes() const { return operation == nullptr; }
};

struct Input {
    std::string name;
    int64_t channels = 0;
    bool vector = false;  // (channels, 1, 1)
    Size rows, columns;

    Shape shape(const Grid& grid) const { return {channels, rows.at(grid.rows), columns.at(grid.columns)}; }
};

struct Output {
    std::string name;
    int value = 0;
};

// Values are numbered: the inputs first, then the nodes' results.
struct Entry {
    std::vector<Input> inputs;
    std::vector<Node> nodes;
    std::vector<Output> outputs;
    std::deque<float> literals;  // what operands point to

    int values() const { return static_cast<int>(inputs.size() + nodes.size()); }
    const Node* node(int value) const {  // null for an input
        const int first = static_cast<int>(inputs.size());
        return value < first ? nullptr : &nodes[static_cast<size_t>(value - first)];
    }
    int input(std::string_view name) const;   // its number, -1 if there is none
    int output(std::string_view name) const;  // the value of that name, -1 if there is none
};

// Shapes of all values on a grid. Throws ModelCorrupt where operands do not fit or a map is beyond all bounds.
std::vector<Shape> infer_shapes(const Entry& entry, const Grid& grid);

// A value as an operand.
Operand operand_of(const Source& source, const std::vector<Shape>& shapes);

class Program {
public:
    // `entries`: those to read, others may be anything; all where it is empty. Throws ModelCorrupt.
    Program(const Json& json, const Parameters& parameters, const std::vector<std::string>& entries = {});

    int64_t stride, unit, coded_unit, hyper_stride, latent_channels, hyper_channels, streams;

    const Entry* find(std::string_view name) const;  // null if there is none
    const Entry& at(std::string_view name) const;    // throws ModelCorrupt

    // Names of the parameters that were asked for.
    const std::vector<std::string>& used() const { return used_; }

private:
    void check_condition() const;
    void check_vectors(const Entry& entry, std::initializer_list<std::string_view> own) const;
    void check_map(const Entry& entry, std::string_view name, int64_t channels, const Size& size) const;
    void check_layout(const Entry& latents) const;
    void check_shapes(std::string_view name, std::string_view output, int64_t channels, const Size& size) const;

    std::vector<std::string> names_, used_;
    std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace hpcm
