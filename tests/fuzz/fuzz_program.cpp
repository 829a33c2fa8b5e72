// libFuzzer: programs in JSON, mutated, with made-up weights. What is not refused runs on two small grids: as a whole, and strip by
// strip with the same bits. Work and memory are bounded by the limits that any caller sets, so nothing here may be slow.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "executor.h"
#include "program.h"
#include "selftest.h"
#include "status.h"
#include "strips.h"
#include "thread_pool.h"

namespace {

using hpcm::Entry;
using hpcm::Grid;
using hpcm::Shape;

constexpr double kMostBytes = 4e6, kMostWork = 3e5;  // work for each position

// Parameters "w123": any name of that form has the dimensions of its digits, 1 to 9 or g for 16, so that
// mutations find others.
class Weights {
public:
    hpcm::Parameter find(const std::string& name) {
        if (name.size() < 2 || name.size() > 5 || name[0] != 'w') return {};
        hpcm::Parameter parameter;
        size_t count = 1;
        for (const char digit : name.substr(1)) {
            const int side = digit == 'g' ? 16 : digit - '0';
            if (digit != 'g' && (digit < '1' || digit > '9')) return {};
            parameter.dims.push_back(side);
            count *= static_cast<size_t>(side);
        }
        std::vector<float>& data = held_[name];
        if (data.empty()) data = hpcm::selftest_numbers(count, 7, 1.0f);
        parameter.data = data.data();
        return parameter;
    }

private:
    std::map<std::string, std::vector<float>> held_;
};

class Halves final : public hpcm::Coder {
public:
    void code(const hpcm::CodeStep& step) override {
        for (size_t i = 0; i < step.count(); ++i) {
            step.values[i] = static_cast<float>(i % 5) - 2.0f + (step.layout != nullptr && step.layout[i] > 0.0f ? 1.0f : 0.0f);
        }
    }
};

using Floats = std::vector<float>;

Floats whole(const Entry& entry, const Grid& grid, bool layout, std::vector<Floats>& inputs) {
    const hpcm::Executor executor(entry, grid, layout, {kMostBytes, kMostWork});
    std::vector<const float*> given;
    for (size_t i = 0; i < entry.inputs.size(); ++i) {
        const Shape shape = entry.inputs[i].shape(grid);
        inputs.push_back(hpcm::selftest_numbers(static_cast<size_t>(shape.count()), static_cast<uint32_t>(i), 2.0f));
        given.push_back(inputs.back().data());
    }
    std::vector<Floats> results;
    std::vector<float*> places;
    for (const hpcm::Output& output : entry.outputs) {
        results.emplace_back(static_cast<size_t>(executor.shape(output.value).count()));
        places.push_back(results.back().data());
    }
    Halves coder;
    executor.run(given, places, &coder);
    return results[0];
}

void in_strips(const Entry& entry, const Grid& grid, int source, const std::vector<Floats>& inputs, const Floats& wanted) {
    const Shape from = entry.inputs[static_cast<size_t>(source)].shape(grid);
    const Shape to = hpcm::infer_shapes(entry, grid)[static_cast<size_t>(entry.outputs[0].value)];
    const hpcm::Strips strips(entry, grid, source, {to.rows / 3, to.rows}, {to.columns / 4, to.columns});
    if (strips.bytes(3) > kMostBytes) return;
    std::vector<const float*> given;
    for (const Floats& input : inputs) given.push_back(input.data());
    strips.run(
        given, 3,
        [&](const hpcm::Piece& piece) {
            for (int64_t c = 0; c < piece.channels; ++c) {
                for (int64_t i = 0; i < piece.rows.size(); ++i) {
                    const float* row = given[static_cast<size_t>(source)] + (c * from.rows + piece.rows.start + i) * from.columns;
                    std::memcpy(piece.data + c * piece.plane + i * piece.columns.size(), row + piece.columns.start,
                                static_cast<size_t>(piece.columns.size()) * sizeof(float));
                }
            }
        },
        [&](const hpcm::Piece& piece) {
            for (int64_t c = 0; c < piece.channels; ++c) {
                for (int64_t i = 0; i < piece.rows.size(); ++i) {
                    const float* row = wanted.data() + (c * to.rows + piece.rows.start + i) * to.columns + piece.columns.start;
                    for (int64_t j = 0; j < piece.columns.size(); ++j) {
                        const float own = piece.data[c * piece.plane + i * piece.columns.size() + j];
                        const bool none = own != own && row[j] != row[j];  // of what is no number the bits are the processor's
                        if (!none && std::memcmp(&own, row + j, sizeof own) != 0) std::abort();
                    }
                }
            }
        },
        {kMostBytes, kMostWork});
}

void run(const hpcm::Program& program, const char* name, const char* source) {
    const Entry* entry = program.find(name);
    if (entry == nullptr) return;
    const int64_t side = program.unit / program.stride;
    if (side > 8) return;
    for (const Grid& grid : {Grid{side, side}, Grid{3 * side, 2 * side}}) {
        for (const bool layout : {false, true}) {
            std::vector<Floats> inputs;
            Floats found;
            try {
                found = whole(*entry, grid, layout, inputs);
                if (source != nullptr && entry->input(source) >= 0) in_strips(*entry, grid, entry->input(source), inputs, found);
            } catch (const hpcm::Error&) {
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool once = (hpcm::set_threads(1), true);
    static_cast<void>(once);
    Weights weights;
    try {
        const hpcm::Json json = hpcm::Json::parse(std::string_view(reinterpret_cast<const char*>(data), size), {1 << 16, 1 << 13, 16});
        const hpcm::Program program(json, [&](const std::string& name) { return weights.find(name); });
        run(program, "condition", nullptr);
        run(program, "latents", nullptr);
        run(program, "picture", "latent");
        run(program, "analysis", "picture");
    } catch (const hpcm::Error&) {
    }
    return 0;
}
