#include "tile_encoder.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "finite.h"
#include "fpenv.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

// The latents as `code` takes them: no numbers where nothing is coded.
std::vector<float> marked(const GivenTile& tile, int64_t channels) {
    const TileArea& area = tile.area;
    std::vector<float> made(area.count(channels), std::numeric_limits<float>::quiet_NaN());
    for (int64_t c = 0; c < channels; ++c) {
        for (int64_t i = 0; i < area.own_rows; ++i) {
            const int64_t first = (c * area.grid.rows + i) * area.grid.columns;
            std::copy_n(tile.latents + first, area.own_columns, made.begin() + first);
        }
    }
    return made;
}

void require_finite(const std::vector<float>& values) {
    if (!finite(values.data(), values.size())) throw std::invalid_argument("values beyond all bounds");
}

}  // namespace

// Of one grid.
struct TileEncoder::Executors {
    Executors(const Program& program, const Grid& grid) : latents(program.at("latents"), grid, true) {
        if (const Entry* entry = program.find("hyper_analysis")) hyper_analysis.emplace(*entry, grid, false);
    }

    Executor latents;
    std::optional<Executor> hyper_analysis;
};

TileEncoder::TileEncoder(const Program& program, const Tables& tables, const Choice& choice)
    : program_(program), tables_(tables), choice_(choice) {
    program.at("latents");
}

double TileEncoder::bytes(const TileArea& area) const {
    const Entry& entry = program_.at("latents");
    const Executor executor(entry, area.grid, true);
    double step = 0.0;
    for (int value = 0; value < entry.values(); ++value) {
        const Node* node = entry.node(value);
        if (node != nullptr && node->codes()) step = std::max(step, static_cast<double>(executor.shape(value).count()));
    }
    const double count = static_cast<double>(area.count(program_.latent_channels));
    // the latents without padding, those that decoders have, and those that are kept
    return executor.bytes() + QuantisingCoder::step_bytes(tables_, step) + count * (QuantisingCoder::kSymbolBytes + 3 * sizeof(float));
}

std::vector<CodedTile> TileEncoder::encode(const std::vector<GivenTile>& tiles, const Condition& condition, int workers, Keep keep,
                                           const Progress& progress) const {
    const FpGuard guard;
    check(condition);
    std::map<std::pair<int64_t, int64_t>, Executors> executors;
    for (const GivenTile& tile : tiles) {
        const Grid& grid = tile.area.grid;
        executors.try_emplace({grid.rows, grid.columns}, program_, grid);
    }
    std::vector<CodedTile> made(tiles.size());
    std::atomic<size_t> next{0};
    std::atomic<bool> stopped{false};
    const Progress tell = [&](double share) { return !stopped && (!progress || progress(share)); };
    parallel_for(std::min(tiles.size(), static_cast<size_t>(std::max(workers, 1))), 1, [&](size_t, size_t) {
        for (size_t i; (i = next++) < tiles.size();) {
            const Grid& grid = tiles[i].area.grid;
            try {
                made[i] = encode(tiles[i], executors.at({grid.rows, grid.columns}), condition, keep, tell);
            } catch (...) {
                stopped = true;
                next = tiles.size();
                throw;
            }
        }
    });
    return made;
}

CodedTile TileEncoder::encode(const GivenTile& tile, const Executors& executors, const Condition& condition, Keep keep,
                              const Progress& progress) const {
    const TileArea& area = tile.area;
    const size_t count = area.count(program_.latent_channels);
    const Entry& entry = program_.at("latents");
    CodedTile made;
    std::vector<float> decoded(count), given;
    try {
        if (!finite(tile.latents, count)) throw std::invalid_argument("values beyond all bounds");
        const std::vector<float> z = hyper_of(tile, executors, condition);
        QuantisingCoder coder(tables_, program_.streams, choice_, area.padded(), keep);
        const std::vector<float> hyper = coder.hyper(z.empty() ? tile.hyper : z.data(), condition.at("z_scale").data(),
                                                     area.hyper(program_), area.hyper_own_rows, area.hyper_own_columns);
        std::vector<const float*> inputs = inputs_of(entry, condition);
        if (const int input = entry.input("hyper"); input >= 0) inputs[static_cast<size_t>(input)] = hyper.data();
        if (area.padded()) given = marked(tile, program_.latent_channels);
        if (const int input = entry.input("layout"); input >= 0) {
            inputs[static_cast<size_t>(input)] = area.padded() ? given.data() : tile.latents;
        }
        executors.latents.run(inputs, {decoded.data()}, &coder, progress);
        require_finite(decoded);
        const auto start = std::chrono::steady_clock::now();
        made.streams = coder.finish();
        coding_nanoseconds_ += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
        made.steps = coder.take_kept();
    } catch (const std::invalid_argument& error) {
        throw ModelCorrupt("its weights are bad (" + std::string(error.what()) + ")");
    }
    made.check = check_of(decoded.data(), decoded.size());
    if (keep == Keep::latents) made.latents = std::move(decoded);
    return made;
}

// Empty where it is given.
std::vector<float> TileEncoder::hyper_of(const GivenTile& tile, const Executors& executors, const Condition& condition) const {
    if (tile.hyper != nullptr) return {};
    const Entry& entry = program_.at("hyper_analysis");  // throws if there is none
    const Executor& executor = *executors.hyper_analysis;
    std::vector<const float*> inputs = inputs_of(entry, condition);
    if (const int input = entry.input("latent"); input >= 0) inputs[static_cast<size_t>(input)] = tile.latents;
    std::vector<float> z(static_cast<size_t>(executor.shape(executor.wanted()[0]).count()));
    executor.run(inputs, {z.data()}, nullptr);
    require_finite(z);
    return z;
}

void TileEncoder::check(const Condition& condition) const {
    const auto require = [&](const std::string& name, int64_t channels) {
        const auto found = condition.find(name);
        if (found == condition.end() || found->second.size() != static_cast<size_t>(channels)) {
            throw std::invalid_argument("the condition has no vector " + name + " of " + std::to_string(channels) + " channels");
        }
    };
    require("z_scale", program_.hyper_channels);
    for (const char* name : {"latents", "hyper_analysis"}) {
        const Entry* entry = program_.find(name);
        if (entry == nullptr) continue;
        for (const Input& input : entry->inputs) {
            if (input.vector) require(input.name, input.channels);
        }
    }
}

}  // namespace hpcm
