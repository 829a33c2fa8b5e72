// Encodes tiles with every model of some folders, several at a time, in all ways of keeping what becomes of them, and decodes their
// streams again. For sanitizers. Exit code 0 if decoders have the latents that the encoder kept, and what is bad is refused.
// usage: encoder FOLDER...    with model files; adapters find their base in the same folder
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "fpenv.h"
#include "status.h"
#include "thread_pool.h"
#include "tile_encoder.h"

namespace {

namespace fs = std::filesystem;
using namespace hpcm;

int g_calls = 0, g_wrong = 0;

void expect(bool good, const std::string& model, const char* what) {
    ++g_calls;
    if (good) return;
    ++g_wrong;
    std::printf("%s: %s\n", model.c_str(), what);
}

using Files = std::map<Digest, std::shared_ptr<const ModelFile>>;

// Those without a base first, so that adapters find theirs.
Files read_folder(const fs::path& folder) {
    Files files;
    for (const bool whole : {true, false}) {
        for (const auto& entry : fs::directory_iterator(folder)) {
            if (entry.path().extension() != ".safetensors") continue;
            std::ifstream stream(entry.path(), std::ios::binary);
            const std::vector<uint8_t> data(std::istreambuf_iterator<char>(stream), {});
            try {
                const auto file = ModelFile::read({data.data(), data.size()}, [&](const Digest& id) {
                    const auto found = files.find(id);
                    return found == files.end() ? nullptr : found->second;
                });
                files[file->identity()] = file;
            } catch (const Error&) {
                if (!whole) throw;
            }
        }
    }
    return files;
}

// The same numbers on every machine.
class Numbers {
public:
    float next() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<float>(static_cast<int32_t>(state_ >> 32)) * 0x1p-31f;
    }

private:
    uint64_t state_ = 1;
};

struct Given {
    Given(const Program& program, int64_t height, int64_t width, Numbers& numbers)
        : area(program, height, width), latents(area.count(program.latent_channels)),
          hyper(static_cast<size_t>(area.hyper(program).count())) {
        for (float& value : latents) value = 3.0f * numbers.next() * numbers.next();
        for (float& value : hyper) value = std::nearbyint(2.0f * numbers.next());
    }

    GivenTile tile() const { return {area, latents.data(), hyper.data()}; }

    TileArea area;
    std::vector<float> latents, hyper;
};

// What a decoder makes of the streams.
std::vector<float> decoded(const Model& model, const Condition& condition, const TileArea& area, const CodedTile& coded) {
    const FpGuard guard;
    const Program& program = model.program();
    std::vector<StreamCoder::Stream> streams;
    for (const auto& stream : coded.streams) streams.push_back({stream.data(), stream.size()});
    StreamCoder coder(model.tables(), streams);
    const Entry& entry = program.at("latents");
    std::vector<const float*> inputs = inputs_of(entry, condition);
    std::vector<float> hyper = coder.hyper(condition.at("z_scale").data(), area.hyper(program), area.hyper_own_rows, area.hyper_own_columns);
    std::vector<float> layout(area.count(program.latent_channels), 0.0f), made(layout.size());
    for (size_t i = 0; i < layout.size(); ++i) {
        const auto columns = static_cast<size_t>(area.grid.columns), rows = static_cast<size_t>(area.grid.rows);
        const auto column = static_cast<int64_t>(i % columns), row = static_cast<int64_t>(i / columns % rows);
        layout[i] = row < area.own_rows && column < area.own_columns ? 1.0f : 0.0f;
    }
    if (const int input = entry.input("hyper"); input >= 0) inputs[static_cast<size_t>(input)] = hyper.data();
    if (const int input = entry.input("layout"); input >= 0) inputs[static_cast<size_t>(input)] = layout.data();
    Executor(entry, area.grid, area.padded()).run(inputs, {made.data()}, &coder);
    coder.finish();
    return made;
}

void check_round_trip(const Model& model, float strength) {
    const std::string& name = model.file().name();
    const Condition condition = model.condition(40.0f);
    const TileEncoder encoder(model.program(), model.tables(), {strength, 8.67f});
    Numbers numbers;
    std::vector<Given> given;
    std::vector<GivenTile> tiles;
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{64, 64}, {1, 1}, {70, 33}, {64, 64}}) {
        given.emplace_back(model.program(), height, width, numbers);
    }
    for (const Given& one : given) tiles.push_back(one.tile());
    const auto kept = encoder.encode(tiles, condition, 3, Keep::latents);
    for (size_t i = 0; i < tiles.size(); ++i) {
        const std::vector<float> made = decoded(model, condition, tiles[i].area, kept[i]);
        expect(made == kept[i].latents, name, "a decoder has other latents");
        expect(check_of(made.data(), made.size()) == kept[i].check, name, "a decoder has another check value");
    }
    for (const Keep keep : {Keep::nothing, Keep::residuals, Keep::near}) {
        const auto others = encoder.encode(tiles, condition, 1, keep);
        for (size_t i = 0; i < tiles.size(); ++i) expect(others[i].streams == kept[i].streams, name, "what is kept changes the streams");
    }
}

void check_refusals(const Model& model) {
    const std::string& name = model.file().name();
    const Condition condition = model.condition(40.0f);
    const TileEncoder encoder(model.program(), model.tables(), {0.0f, 8.67f});
    Numbers numbers;
    Given bad(model.program(), 64, 64, numbers);
    bad.latents[bad.latents.size() / 2] = std::numeric_limits<float>::infinity();
    const auto refused = [&](const Condition& vectors, const Progress& progress) {
        try {
            encoder.encode({bad.tile(), bad.tile()}, vectors, 2, Keep::nothing, progress);
            return false;
        } catch (const std::exception&) {
            return true;
        }
    };
    expect(refused(condition, {}), name, "latents without bounds are coded");
    bad.latents[bad.latents.size() / 2] = 0.0f;
    expect(refused({}, {}), name, "no condition is a condition");
    expect(refused(condition, [](double) { return false; }), name, "it does not stop");
}

}  // namespace

int main(int argc, char** argv) {
    set_threads(3);
    for (int i = 1; i < argc; ++i) {
        for (const auto& [identity, file] : read_folder(argv[i])) {
            const Model model(file);
            check_round_trip(model, 0.0f);
            check_round_trip(model, 1.0f);
            check_refusals(model);
        }
    }
    std::printf("%d checks, %d wrong\n", g_calls, g_wrong);
    return g_wrong == 0 && g_calls > 0 ? 0 : 1;
}
