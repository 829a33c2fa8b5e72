#include "operations.h"

#include <algorithm>

#include "attributes.h"
#include "operation.h"
#include "status.h"

namespace hpcm {

#define HPCM_DECLARE(name) std::unique_ptr<Operation> make_##name(Attributes& attributes);
HPCM_FOR_OPERATIONS(HPCM_DECLARE)
#undef HPCM_DECLARE

namespace {

struct Known {
    const char* name;
    std::unique_ptr<Operation> (*make)(Attributes&);
};

#define HPCM_LIST(name) {#name, make_##name},
constexpr Known kKnown[] = {HPCM_FOR_OPERATIONS(HPCM_LIST)};
#undef HPCM_LIST

}  // namespace

std::unique_ptr<Operation> make_operation(const std::string& name, Attributes& attributes) {
    const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& known) { return name == known.name; });
    if (found == std::end(kKnown)) fail(Status::unsupported, "the model's program has an operation that only newer versions know, " + name + "; update hpcmcodec");
    std::unique_ptr<Operation> operation = found->make(attributes);
    attributes.finish();
    return operation;
}

std::vector<std::string> operation_names() {
    std::vector<std::string> names;
    for (const Known& known : kKnown) names.emplace_back(known.name);
    return names;
}

}  // namespace hpcm
