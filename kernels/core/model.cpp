#include "model.h"

#include "executor.h"
#include "fpenv.h"
#include "status.h"
#include "strips.h"

namespace hpcm {
namespace {

// Pictures are made in strips: each of their parts from a neighbourhood of latents.
void check_local(const Entry& entry, const Program& program) {
    const int source = entry.input("latent");
    if (source < 0) fail(Status::model_file, "the model's picture does not depend on its latents");
    const int64_t side = program.unit / program.stride;
    const Strips trial(entry, Grid{3 * side, 2 * side}, source, {0, 3 * program.unit}, {0, 2 * program.unit});
}

}  // namespace

Model::Model(std::shared_ptr<const ModelFile> file)
    : file_(std::move(file)),
      program_(file_->program(), [this](const std::string& name) { return file_->parameter(name); },
               {"condition", "latents", "picture", "preview"}) {
    for (const char* name : {"condition", "latents", "picture"}) program_.at(name);
    for (const char* name : {"picture", "preview"}) {
        if (const Entry* entry = program_.find(name)) check_local(*entry, program_);
    }
}

Tables Model::tables() const {
    const auto &y = file_->y_thresholds(), &z = file_->z_thresholds();
    return {file_->tables(), y.data(), int(y.size()), z.data(), int(z.size()), file_->trellis()};
}

Condition Model::condition(float quality) const {
    const FpGuard guard;
    const Entry& entry = program_.at("condition");
    const float position = (quality - 1.0f) / 99.0f;
    const Executor executor(entry, Grid{}, false);
    Condition made;
    std::vector<float*> results;
    for (const Output& output : entry.outputs) {
        std::vector<float>& vector = made[output.name];
        vector.resize(size_t(executor.shape(output.value).count()));
        results.push_back(vector.data());
    }
    executor.run({&position}, results, nullptr);
    return made;
}

std::vector<const float*> inputs_of(const Entry& entry, const Condition& condition) {
    std::vector<const float*> inputs;
    for (const Input& input : entry.inputs) {
        const auto found = condition.find(input.name);
        inputs.push_back(input.vector && found != condition.end() ? found->second.data() : nullptr);
    }
    return inputs;
}

}  // namespace hpcm
