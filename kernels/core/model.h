// A model ready to decode with: its file and the program in it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coder.h"
#include "model_file.h"
#include "program.h"

namespace hpcm {

// Vectors that depend on the quality alone, by name: outputs of the entry `condition`.
using Condition = std::map<std::string, std::vector<float>>;

class Model {
public:
    // Reads the entries that decoders need. Throws Error.
    explicit Model(std::shared_ptr<const ModelFile> file);

    const ModelFile& file() const { return *file_; }
    const Program& program() const { return program_; }
    bool variable() const { return !program_.at("condition").inputs.empty(); }
    Tables tables() const;

    // For a quality of 1..100; ignored by a model of one rate.
    Condition condition(float quality) const;

private:
    std::shared_ptr<const ModelFile> file_;
    Program program_;
};

// The inputs of an entry by number: its vectors from the condition, null for all others.
std::vector<const float*> inputs_of(const Entry& entry, const Condition& condition);

}  // namespace hpcm
