// Decodes recorded files in every way through the C API, several callers with one decoder at once: whole, a rectangle, smaller, cut off,
// damaged, cancelled. For sanitizers and emulators. Exit code 0 if all pixels are the recorded ones and all errors those that they should be.
// usage: ways [-m MODELS]... [-j CALLERS] [-t THREADS] FOLDER...    folders with pixels.json
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hpcm.h"
#include "json.h"
#include "sha256.h"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

std::vector<std::string> g_models;
std::mutex g_finding;  // one caller at a time reads models: whoever waited finds them there
std::atomic<int> g_wrong{0}, g_calls{0};

void expect(bool good, const std::string& file, const char* what) {
    ++g_calls;
    if (good) return;
    ++g_wrong;
    std::printf("%s: %s: %d %s\n", file.c_str(), what, int(hpcm_last_status()), hpcm_last_message());
}

Bytes read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

int find_model(void*, hpcm_decoder* decoder, const uint8_t* id, const char* name) {
    static thread_local bool nested = false;  // an adapter asks for its base
    std::unique_lock<std::mutex> lock(g_finding, std::defer_lock);
    if (!nested) lock.lock();
    const bool outer = !nested;
    nested = true;
    for (const bool named : {true, false}) {
        for (const std::string& folder : g_models) {
            for (const auto& entry : fs::directory_iterator(folder)) {
                if (hpcm_decoder_has_model(decoder, id) != 0) break;
                if (entry.path().extension() == ".safetensors" && (entry.path().stem() == name) == named) {
                    hpcm_decoder_add_model_file(decoder, entry.path().string().c_str());
                }
            }
        }
    }
    if (outer) nested = false;
    return hpcm_decoder_has_model(decoder, id);
}

struct Samples {
    uint32_t width = 0, height = 0;
    size_t pixel = 0;
    Bytes bytes;
};

hpcm_status decode(hpcm_picture* picture, const hpcm_request& request, Samples& to) {
    hpcm_info info;
    hpcm_get_info(picture, &info);
    const hpcm_status status = hpcm_get_size(picture, &request, &to.width, &to.height);
    if (status != HPCM_OK) return status;
    to.pixel = info.channels * (request.bits == 16 ? 2 : 1);
    to.bytes.assign(to.pixel * to.width * to.height, 0);
    return hpcm_decode_into(picture, &request, to.bytes.data(), to.pixel * to.width);
}

// As pixels.json has it: colours first, then alpha.
std::string hash_of(const Samples& samples, uint32_t channels) {
    const bool alpha = channels % 2 == 0;
    const size_t colours = channels - (alpha ? 1 : 0), size = samples.pixel / channels;
    const std::string head = std::to_string(samples.height) + " " + std::to_string(samples.width) + " " + std::to_string(colours) + "\n";
    Bytes all(head.begin(), head.end());
    for (const bool second : {false, true}) {
        if (second && !alpha) continue;
        for (size_t at = 0; at < samples.bytes.size(); at += samples.pixel) {
            const uint8_t* from = samples.bytes.data() + at + (second ? colours * size : 0);
            all.insert(all.end(), from, from + (second ? 1 : colours) * size);
        }
    }
    const hpcm::Digest digest = hpcm::sha256(all.data(), all.size());
    return hpcm::hex(digest.data(), digest.size());
}

void check_region(hpcm_picture* picture, const Samples& whole, uint32_t bits, const std::string& file) {
    hpcm_request request{};
    request.bits = bits;
    request.x = whole.width / 3, request.y = whole.height / 2;
    request.width = std::max(1u, whole.width / 4), request.height = std::max(1u, whole.height / 3);
    Samples part;
    bool same = decode(picture, request, part) == HPCM_OK;
    const size_t line = part.pixel * part.width;
    for (uint32_t y = 0; same && y < part.height; ++y) {
        const size_t from = (size_t(request.y + y) * whole.width + request.x) * whole.pixel;
        same = std::memcmp(whole.bytes.data() + from, part.bytes.data() + y * line, line) == 0;
    }
    expect(same, file, "a rectangle");
}

int never(void*, double) { return 0; }
int no_rows(void*, uint32_t, uint32_t, const uint8_t*) { return 0; }

// With its end missing, with a byte changed.
void check_broken(hpcm_decoder* decoder, const Bytes& data, size_t turn, const std::string& file) {
    for (const size_t left : {size_t(3), data.size() / 3, data.size() * 3 / 4, data.size() - 1 - turn % 8}) {
        hpcm_picture* picture = nullptr;
        expect(hpcm_open(decoder, data.data(), left, 0, &picture) == HPCM_TRUNCATED, file, "cut off, opened as if whole");
        const hpcm_status opened = hpcm_open(decoder, data.data(), left, HPCM_ALLOW_TRUNCATED, &picture);
        Samples samples;
        const hpcm_status status = opened == HPCM_OK ? decode(picture, hpcm_request{}, samples) : opened;
        expect(status == HPCM_OK || status == HPCM_TRUNCATED, file, "cut off");
        hpcm_close(picture);
    }
    Bytes damaged = data;
    damaged[data.size() / 5 * (turn % 5) + 4] ^= 1;
    hpcm_picture* picture = nullptr;
    const hpcm_status opened = hpcm_open(decoder, damaged.data(), damaged.size(), 0, &picture);
    expect((opened == HPCM_OK ? hpcm_verify(picture) : opened) != HPCM_OK && hpcm_last_status() != HPCM_FAILED, file, "damaged");
    hpcm_close(picture);
}

void check(hpcm_decoder* decoder, const fs::path& path, const std::string& recorded, size_t turn) {
    const std::string file = path.string();
    const Bytes data = read_file(path);
    hpcm_picture* picture = nullptr;
    expect(hpcm_open(decoder, data.data(), data.size(), 0, &picture) == HPCM_OK, file, "opening");
    if (picture == nullptr) return;
    hpcm_info info;
    hpcm_get_info(picture, &info);
    hpcm_request request{};
    request.bits = info.bit_depth > 8 ? 16 : 8;
    Samples whole, small;
    expect(decode(picture, request, whole) == HPCM_OK && hash_of(whole, info.channels) == recorded, file, "the recorded pixels");
    check_region(picture, whole, request.bits, file);
    request.scale = 2u << turn % 3;
    expect(decode(picture, request, small) == HPCM_OK, file, "a smaller picture");
    request.progress = never;
    expect(decode(picture, request, small) == HPCM_CANCELLED, file, "cancelled");
    expect(hpcm_decode(picture, nullptr, no_rows, nullptr) == HPCM_CANCELLED, file, "rows that nobody takes");
    hpcm_close(picture);
    check_broken(decoder, data, turn, file);
}

struct Task {
    fs::path path;
    std::string recorded;
};

std::vector<Task> tasks_of(const fs::path& folder) {
    const Bytes text = read_file(folder / "pixels.json");
    const hpcm::Json record = hpcm::Json::parse({reinterpret_cast<const char*>(text.data()), text.size()});
    std::vector<Task> tasks;
    for (size_t i = 0; i < record.names().size(); ++i) tasks.push_back({folder / record.names()[i], record.values()[i].string()});
    return tasks;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Task> tasks;
    int callers = 1, threads = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "-m") g_models.push_back(argv[++i]);
        else if (word == "-j") callers = std::atoi(argv[++i]);
        else if (word == "-t") threads = std::atoi(argv[++i]);
        else for (Task& task : tasks_of(word)) tasks.push_back(std::move(task));
    }
    hpcm_decoder* decoder = hpcm_decoder_new();
    hpcm_decoder_set_threads(decoder, threads);
    hpcm_decoder_set_finder(decoder, find_model, nullptr);
    std::atomic<size_t> next{0};
    std::vector<std::thread> all;
    for (int i = 0; i < callers; ++i) {
        all.emplace_back([&] {
            for (size_t mine; (mine = next++) < tasks.size();) check(decoder, tasks[mine].path, tasks[mine].recorded, mine);
        });
    }
    for (std::thread& one : all) one.join();
    hpcm_decoder_free(decoder);
    std::printf("%zu files in %d calls by %d callers on %d threads each: %d wrong\n", tasks.size(), g_calls.load(), callers, threads, g_wrong.load());
    return g_wrong == 0 && !tasks.empty() ? 0 : 1;
}
