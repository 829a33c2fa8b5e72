// What the core borrows of a model, held as Python objects.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "coder.h"
#include "program.h"

namespace hpcm {

// A program and its parameters.
class HeldProgram {
public:
    HeldProgram(const std::string& text, const py::dict& arrays, const std::vector<std::string>& entries) {
        for (const auto& [name, array] : arrays) {
            arrays_.emplace(name.cast<std::string>(), take<float>(py::reinterpret_borrow<py::object>(array), "a parameter"));
        }
        const Parameters parameters = [&](const std::string& name) -> Parameter {
            const auto found = arrays_.find(name);
            if (found == arrays_.end()) return {};
            return {found->second.data(), {found->second.shape().begin(), found->second.shape().end()}};
        };
        program_.emplace(Json::parse(text), parameters, entries);
    }

    const Program& program() const { return *program_; }

private:
    std::map<std::string, Array<float>> arrays_;
    std::optional<Program> program_;
};

// Tables of the entropy coder. levels: None for a model without trellis.
class HeldTables {
public:
    HeldTables(py::object tables, const py::object& y_thresholds, const py::object& z_thresholds, const py::object& levels)
        : tables_(std::move(tables)), y_(take<float>(y_thresholds, "y_thresholds", {kAny})),
          z_(take<float>(z_thresholds, "z_thresholds", {kAny})), levels_(take_optional<float>(levels, "levels", {2, kAny, 4})) {
        if (levels_.data() != nullptr) trellis_.emplace(levels_.data(), static_cast<size_t>(levels_.size(1)), set());
    }

    Tables tables() const { return {set(), y_.data(), y_.size(0), z_.data(), z_.size(0), trellis_ ? &*trellis_ : nullptr}; }

private:
    const TableSet& set() const { return tables_.cast<const TableSet&>(); }

    py::object tables_;
    Array<float> y_, z_, levels_;
    std::optional<Trellis> trellis_;
};

}  // namespace hpcm
