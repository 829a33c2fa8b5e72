#include "program.h"

#include <algorithm>
#include <limits>

#include "attributes.h"
#include "status.h"

namespace hpcm {
namespace {

constexpr size_t kMostEntries = 16, kMostNodes = 1 << 13, kMostOperands = 256, kMostInputs = 64, kMostOutputs = 64, kMostName = 256;
constexpr int64_t kMostChannels = 1 << 16, kMostStride = 256, kLeastStreams = 2, kMostStreams = 8;
constexpr int64_t kMostSide = 1 << 30, kMostPixels = 1 << 30;  // room for index arithmetic in int
constexpr double kMostElements = 0x1p40;

[[noreturn]] void refuse(const std::string& problem) { throw ModelCorrupt("the model's program is damaged: " + problem); }

int64_t bounded(const Json& json, int64_t least, int64_t most, const char* what) {
    const int64_t value = json.integer();
    if (value < least || value > most) refuse(std::string(what) + " " + std::to_string(value) + " is out of range");
    return value;
}

const std::string& name_of(const Json& json) {
    const std::string& name = json.string();
    if (name.empty() || name.size() > kMostName) refuse("a name is empty or too long");
    return name;
}

const std::vector<Json>& list_of(const Json& json, size_t most, const char* what) {
    if (json.items().size() > most) refuse(std::string("too many ") + what);
    return json.items();
}

// Reads one entry.
class EntryReader {
public:
    EntryReader(const Parameters& parameters, std::vector<std::string>& used) : parameters_(parameters), used_(used) {}

    Entry read(const Json& json) {
        for (const Json& input : list_of(json.at("inputs"), kMostInputs, "inputs")) entry_.inputs.push_back(read_input(input));
        for (const Json& node : list_of(json.at("nodes"), kMostNodes, "nodes")) entry_.nodes.push_back(read_node(node));
        for (const Json& output : list_of(json.at("outputs"), kMostOutputs, "outputs")) {
            if (output.items().size() != 2) refuse("an output is not [name, value]");
            const std::string& name = name_of(output.items()[0]);
            if (entry_.output(name) >= 0) refuse("two outputs have one name");
            entry_.outputs.push_back({name, static_cast<int>(bounded(output.items()[1], 0, entry_.values() - 1, "value"))});
        }
        if (entry_.outputs.empty()) refuse("an entry has no output");
        return std::move(entry_);
    }

private:
    Input read_input(const Json& json) const {
        if (json.items().size() != 4) refuse("an input is not [name, channels, rows, columns]");
        const Json &rows = json.items()[2], &columns = json.items()[3];
        Input input;
        input.name = name_of(json.items()[0]);
        if (entry_.input(input.name) >= 0) refuse("two inputs have one name");
        input.channels = bounded(json.items()[1], 1, kMostChannels, "number of channels");
        input.vector = rows.is(Json::Kind::null) && columns.is(Json::Kind::null);
        if (input.vector) return input;
        input.rows = read_size(rows);
        input.columns = read_size(columns);
        return input;
    }

    Node read_node(const Json& json) {
        const auto& items = json.items();
        if (items.size() < 2) refuse("a node is not [operation, operands, ...]");
        const std::string& name = name_of(items[0]);
        Node node;
        for (const Json& operand : list_of(items[1], kMostOperands, "operands")) node.operands.push_back(read_operand(operand));
        Attributes attributes(items, 2, "the model's program is damaged: " + name);
        if (name == "code") {
            node.stream = static_cast<int>(attributes.integer(1, kMostStreams - 1));
            attributes.finish();
            if (node.operands.size() != 4) refuse("code has a wrong number of operands");
        } else {
            node.operation = make_operation(name, attributes);
        }
        return node;
    }

    Source read_operand(const Json& json) {
        Source source;
        switch (json.kind()) {
            case Json::Kind::null: break;
            case Json::Kind::integer: source.value = static_cast<int>(bounded(json, 0, entry_.values() - 1, "value")); break;
            case Json::Kind::string: source.constant = parameter(name_of(json)); break;
            default: source.constant = json.items().size() == 1 ? literal(json.items()[0]) : range(json.items());
        }
        return source;
    }

    Operand literal(const Json& json) {
        entry_.literals.push_back(read_number(json));
        return Operand::map(&entry_.literals.back(), {1, 1, 1});
    }

    Operand range(const std::vector<Json>& items) {
        if (items.size() != 3) refuse("an operand is neither a number nor [name, first, count]");
        Operand whole = parameter(name_of(items[0]));
        const int64_t rows = whole.dims[0];
        const int64_t first = bounded(items[1], 0, rows - 1, "row"), count = bounded(items[2], 1, rows - first, "number of rows");
        const int64_t each = whole.shape.channels / rows;
        whole.data += first * each;
        whole.dims[0] = count;
        whole.shape.channels = count * each;
        return whole;
    }

    Operand parameter(const std::string& name) {
        const Parameter found = parameters_(name);
        if (found.data == nullptr) refuse("the model has no parameter " + name);
        if (found.dims.empty() || found.dims.size() > 4) refuse("parameter " + name + " has a wrong number of dimensions");
        Operand operand;
        operand.data = found.data;
        operand.rank = static_cast<int>(found.dims.size());
        double count = 1;
        for (size_t i = 0; i < found.dims.size(); ++i) {
            operand.dims[i] = found.dims[i];
            if (found.dims[i] < 1) refuse("parameter " + name + " is empty");
            count *= static_cast<double>(found.dims[i]);
        }
        if (count > std::numeric_limits<int32_t>::max()) refuse("parameter " + name + " is too large");
        operand.shape = {static_cast<int64_t>(count), 1, 1};
        operand.plane = 1;
        // A tensor is never taken for a map by its number of dimensions: (a, b, c) would be one.
        if (operand.rank == 3) operand.rank = 5;
        used_.push_back(name);
        return operand;
    }

    const Parameters& parameters_;
    std::vector<std::string>& used_;
    Entry entry_;
};

void check_map_size(const Shape& s) {
    const bool sides = s.channels >= 0 && s.rows >= 1 && s.columns >= 1 && s.rows <= kMostSide && s.columns <= kMostSide;
    if (!sides || s.channels > kMostSide || static_cast<double>(s.rows) * static_cast<double>(s.columns) > kMostPixels ||
        static_cast<double>(s.channels) * static_cast<double>(s.pixels()) > kMostElements) {
        refuse("a map is empty or beyond all bounds");
    }
}

}  // namespace

int Entry::input(std::string_view name) const {
    const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const Input& input) { return input.name == name; });
    return found == inputs.end() ? -1 : static_cast<int>(found - inputs.begin());
}

int Entry::output(std::string_view name) const {
    const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const Output& output) { return output.name == name; });
    return found == outputs.end() ? -1 : found->value;
}

Operand operand_of(const Source& source, const std::vector<Shape>& shapes) {
    return source.value < 0 ? source.constant : Operand::map(nullptr, shapes[static_cast<size_t>(source.value)]);
}

std::vector<Shape> infer_shapes(const Entry& entry, const Grid& grid) {
    std::vector<Shape> shapes;
    shapes.reserve(static_cast<size_t>(entry.values()));
    for (const Input& input : entry.inputs) {
        shapes.push_back(input.shape(grid));
        check_map_size(shapes.back());
    }
    Operands operands;
    for (const Node& node : entry.nodes) {
        operands.clear();
        for (const Source& source : node.operands) operands.push_back(operand_of(source, shapes));
        Shape shape;
        if (node.codes()) {
            shape = operands[0].shape;
            for (size_t i = 0; i < operands.size(); ++i) {
                if (i == 2 && operands[i].absent()) continue;
                if (operands[i].absent() || operands[i].shape != shape) refuse("the operands of code differ in shape");
            }
        } else {
            shape = node.operation->shape(operands, grid);
        }
        check_map_size(shape);
        shapes.push_back(shape);
    }
    return shapes;
}

Program::Program(const Json& json, const Parameters& parameters, const std::vector<std::string>& entries) {
    if (bounded(json.at("version"), 0, 1 << 20, "version") != 1) {
        fail(Status::unsupported, "the model's program is of a newer version; update hpcmcodec");
    }
    stride = bounded(json.at("stride"), 1, kMostStride, "stride");
    unit = bounded(json.at("unit"), 1, 1 << 16, "unit");
    const Json* coded = json.find("coded_unit");
    coded_unit = coded == nullptr ? stride : bounded(*coded, 1, 1 << 16, "coded_unit");
    hyper_stride = bounded(json.at("hyper_stride"), 1, 1 << 16, "hyper_stride");
    latent_channels = bounded(json.at("latent_channels"), 1, kMostChannels, "number of channels");
    hyper_channels = bounded(json.at("hyper_channels"), 1, kMostChannels, "number of channels");
    streams = bounded(json.at("streams"), kLeastStreams, kMostStreams, "number of streams");
    if (unit % coded_unit != 0 || coded_unit % stride != 0 || hyper_stride % stride != 0) refuse("its strides do not divide one another");
    const Json& all = json.at("entries");
    if (all.names().size() > kMostEntries) refuse("too many entries");
    for (size_t i = 0; i < all.names().size(); ++i) {
        if (!entries.empty() && std::find(entries.begin(), entries.end(), all.names()[i]) == entries.end()) continue;
        names_.push_back(all.names()[i]);
        entries_.push_back(std::make_unique<Entry>(EntryReader(parameters, used_).read(all.values()[i])));
    }
    std::sort(used_.begin(), used_.end());
    used_.erase(std::unique(used_.begin(), used_.end()), used_.end());

    const Size one{1, 1}, pixels{stride, 1};
    if (find("condition") != nullptr) check_condition();
    if (const Entry* latents = find("latents")) {
        check_vectors(*latents, {"hyper", "layout"});
        check_map(*latents, "hyper", hyper_channels, {1, hyper_stride / stride});
        check_map(*latents, "layout", latent_channels, one);
        for (const Node& node : latents->nodes) {
            if (node.codes() && node.stream >= streams) refuse("a stream that is not there");
        }
        check_layout(*latents);
        check_shapes("latents", "latent", latent_channels, one);
    }
    for (const char* name : {"picture", "preview"}) {
        if (const Entry* entry = find(name)) {
            check_vectors(*entry, {"latent"});
            check_map(*entry, "latent", latent_channels, one);
            check_shapes(name, "picture", 3, pixels);
        }
    }
    if (const Entry* analysis = find("analysis")) {
        check_vectors(*analysis, {"picture"});
        check_map(*analysis, "picture", 3, pixels);
        check_shapes("analysis", "latent", latent_channels, one);
    }
    if (const Entry* analysis = find("hyper_analysis")) {
        check_vectors(*analysis, {"latent"});
        check_map(*analysis, "latent", latent_channels, one);
        check_shapes("hyper_analysis", "hyper", hyper_channels, {1, hyper_stride / stride});
    }
}

const Entry* Program::find(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    return found == names_.end() ? nullptr : entries_[static_cast<size_t>(found - names_.begin())].get();
}

const Entry& Program::at(std::string_view name) const {
    const Entry* found = find(name);
    if (found == nullptr) refuse("there is no entry " + std::string(name));
    return *found;
}

void Program::check_condition() const {
    const Entry& entry = at("condition");
    for (const Input& input : entry.inputs) {
        if (input.name != "quality" || !input.vector || input.channels != 1) refuse("condition has an input that is not the quality");
    }
    const std::vector<Shape> shapes = infer_shapes(entry, {});
    for (const Output& output : entry.outputs) {
        if (shapes[static_cast<size_t>(output.value)].pixels() != 1) refuse("condition gives a map, not a vector");
    }
    const int scale = entry.output("z_scale");
    if (scale < 0 || shapes[static_cast<size_t>(scale)].channels != hyper_channels) refuse("condition gives no scales of hyper-latents");
    for (const Node& node : entry.nodes) {
        if (node.codes()) refuse("symbols are read outside latents");
    }
}

// Inputs that are not the entry's own ones have to be vectors that condition gives.
void Program::check_vectors(const Entry& entry, std::initializer_list<std::string_view> own) const {
    const Entry* condition = find("condition");
    const std::vector<Shape> shapes = condition == nullptr ? std::vector<Shape>() : infer_shapes(*condition, {});
    for (const Input& input : entry.inputs) {
        if (std::find(own.begin(), own.end(), input.name) != own.end()) continue;
        const int given = condition == nullptr ? -1 : condition->output(input.name);
        if (!input.vector || given < 0 || shapes[static_cast<size_t>(given)].channels != input.channels) {
            refuse("input " + input.name + " is not what condition gives");
        }
    }
}

void Program::check_map(const Entry& entry, std::string_view name, int64_t channels, const Size& size) const {
    const int number = entry.input(name);
    if (number < 0) return;
    const Input& input = entry.inputs[static_cast<size_t>(number)];
    const auto same = [&](const Size& s) { return s.mul == size.mul && s.div == size.div; };
    if (input.vector || input.channels != channels || !same(input.rows) || !same(input.columns)) {
        refuse("input " + input.name + " has a wrong shape");
    }
}

// What is coded must be known before any symbol is: layouts are made of the input `layout` and constants.
void Program::check_layout(const Entry& latents) const {
    std::vector<bool> known;
    for (const Input& input : latents.inputs) known.push_back(input.name == "layout");
    const auto made = [&](const Source& source) { return source.value < 0 || known[static_cast<size_t>(source.value)]; };
    for (const Node& node : latents.nodes) {
        if (node.codes() && !made(node.operands[3])) refuse("a layout that depends on symbols");
        known.push_back(!node.codes() && std::all_of(node.operands.begin(), node.operands.end(), made));
    }
}

// Of the output, on the smallest grid and on another one.
void Program::check_shapes(std::string_view name, std::string_view output, int64_t channels, const Size& size) const {
    const Entry& entry = at(name);
    const int64_t side = unit / stride;
    if (entry.outputs.size() != 1 || entry.output(output) < 0) refuse("an entry does not give its " + std::string(output));
    for (const Grid& grid : {Grid{side, side}, Grid{3 * side, 2 * side}}) {
        const Shape found = infer_shapes(entry, grid)[static_cast<size_t>(entry.output(output))];
        if (found != Shape{channels, size.at(grid.rows), size.at(grid.columns)}) refuse("an output has a wrong shape");
    }
    if (name == "latents") return;
    for (const Node& node : entry.nodes) {
        if (node.codes()) refuse("symbols are read outside latents");
    }
}

}  // namespace hpcm
