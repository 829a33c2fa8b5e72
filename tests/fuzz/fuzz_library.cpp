// libFuzzer: programs, weights, tables and files, mutated together and taken through the C API. A model file is put together around
// them, with right hashes and the identity that the file asks for; checksums are 0 here, so that what is mutated gets past them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "crc32.h"
#include "dispatch.h"
#include "hpcm.h"
#include "sha256.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace hpcm {
uint32_t crc32(const void*, size_t, uint32_t) { return 0; }  // in place of the library's
}  // namespace hpcm

namespace {

using Bytes = std::vector<uint8_t>;

// Parts of an input, each with its length in front (16 bits); the file takes the rest.
enum Part { kRequest, kProgram, kWeights, kTables, kFile, kParts };

constexpr char kPlaceholder[] = "FUZZFUZZ";  // the model's id in a file
constexpr size_t kMostFloats = 1 << 15;      // of a parameter
const char* const kTableNames[] = {"cdf", "starts", "lengths", "offsets", "y_thresholds", "z_thresholds", "levels"};

std::vector<Bytes> split(const uint8_t* data, size_t size) {
    std::vector<Bytes> parts;
    size_t at = 0;
    for (int part = 0; part < kFile; ++part) {
        size_t length = at + 2 <= size ? size_t(data[at] | data[at + 1] << 8) : 0;
        at = std::min(at + 2, size);
        length = std::min(length, size - at);
        parts.emplace_back(data + at, data + at + length);
        at += length;
    }
    parts.emplace_back(data + at, data + size);
    return parts;
}

Bytes joined(const std::vector<Bytes>& parts) {
    Bytes all;
    for (int part = 0; part < kParts; ++part) {
        const size_t length = part == kFile ? parts[part].size() : std::min<size_t>(parts[part].size(), 0xffff);
        if (part != kFile) all.insert(all.end(), {uint8_t(length), uint8_t(length >> 8)});
        all.insert(all.end(), parts[part].begin(), parts[part].begin() + ptrdiff_t(length));
    }
    return all;
}

// ------------------------------------------------------------------------------------------------ the model file

struct Tensor {
    std::string name, type;
    std::vector<size_t> dims;
    Bytes data;
};

void add(std::vector<Tensor>& tensors, std::string name, const char* type, std::vector<size_t> dims, Bytes data) {
    tensors.push_back({std::move(name), type, std::move(dims), std::move(data)});
}

Bytes floats(const std::vector<float>& values) {
    Bytes bytes(4 * values.size());
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

// Parameters are named by their type and dimensions: w4x2x3x3 or, where several are alike, w4x2x3x3_7, of F32; h... of F16, b... of I8.
// So a program whose names are mutated finds others. Values are the bytes of the weights, from a place that the name's order tells.
void add_parameter(std::vector<Tensor>& tensors, const std::string& name, const Bytes& weights, size_t& at) {
    std::vector<size_t> dims;
    size_t count = 1, number = 0;
    for (const char c : name.substr(1) + "_") {
        if (c >= '0' && c <= '9') {
            number = 10 * number + size_t(c - '0');
            if (number > kMostFloats) return;
            continue;
        }
        dims.push_back(number);
        count *= number;
        number = 0;
        if (count == 0 || count > kMostFloats || dims.size() > 6) return;
        if (c != 'x') break;
    }
    Bytes values(count * (name[0] == 'h' ? 2 : 1));
    for (uint8_t& value : values) value = weights[at++ % weights.size()];
    if (name[0] == 'h') return add(tensors, name, "F16", dims, values);
    if (name[0] == 'b') {
        add(tensors, name + ".scale", "F32", {dims[0]}, floats(std::vector<float>(dims[0], 0.02f)));
        return add(tensors, name, "I8", dims, values);
    }
    std::vector<float> wide;
    for (const uint8_t value : values) wide.push_back(float(int8_t(value)) / 64.0f);
    add(tensors, name, "F32", dims, floats(wide));
}

std::vector<Tensor> tensors_of(const std::string& program, const Bytes& weights, const Bytes& tables) {
    std::map<std::string, bool> names;
    for (size_t at = program.find('"'); at != std::string::npos; at = program.find('"', at + 1)) {
        const size_t end = program.find('"', at + 1);
        if (end == std::string::npos) break;
        const std::string name = program.substr(at + 1, end - at - 1);
        const bool good = name.size() > 1 && name.size() < 40 && std::strchr("whb", name[0]) != nullptr &&
                          name.find_first_not_of("0123456789x_", 1) == std::string::npos && name[1] >= '0' && name[1] <= '9';
        if (good) names[name] = true;
    }
    std::vector<Tensor> tensors;
    size_t at = 0, start = 0;
    for (const auto& name : names) {
        if (!weights.empty()) add_parameter(tensors, name.first, weights, at);
    }
    for (int table = 0; table < 7; ++table) {
        if (start + 2 > tables.size()) break;
        const size_t count = size_t(tables[start] | tables[start + 1] << 8);
        start += 2;
        if (count == 0 || 4 * count > tables.size() - start) break;
        const Bytes values(tables.begin() + ptrdiff_t(start), tables.begin() + ptrdiff_t(start + 4 * count));
        add(tensors, std::string("entropy.") + kTableNames[table], table < 4 ? "I32" : "F32", {count}, values);
        start += 4 * count;
    }
    return tensors;
}

std::string shape_of(const Tensor& tensor) {
    std::string text = "[";
    for (const size_t side : tensor.dims) text += (text.size() > 1 ? "," : "") + std::to_string(side);
    return text + "]";
}

// The whole file and its identity.
Bytes model_file(const std::string& program, const std::vector<Tensor>& tensors, hpcm::Digest& identity) {
    std::string manifest = "{\"config\":{},\"distribution\":{},\"program\":" + program + ",\"tensors\":{", places;
    size_t at = 0;
    for (const Tensor& tensor : tensors) {
        const hpcm::Digest digest = hpcm::sha256(tensor.data.data(), tensor.data.size());
        manifest += (at != 0 ? ",\"" : "\"") + tensor.name + "\":[\"" + tensor.type + "\"," + shape_of(tensor) + ",\"" +
                    hpcm::hex(digest.data(), digest.size()) + "\"]";
        places += ",\"" + tensor.name + "\":{\"dtype\":\"" + tensor.type + "\",\"shape\":" + shape_of(tensor) + ",\"data_offsets\":[" +
                  std::to_string(at) + "," + std::to_string(at + tensor.data.size()) + "]}";
        at += tensor.data.size();
    }
    manifest += "}}";
    identity = hpcm::sha256(manifest.data(), manifest.size());
    std::string head = "{\"__metadata__\":{\"hpcmcodec\":\"";
    for (const char c : manifest) {
        if (c == '"' || c == '\\') head += '\\';
        head += c;
    }
    head += "\",\"hpcmcodec.about\":\"{\\\"name\\\":\\\"fuzz\\\"}\"}" + places + "}";
    Bytes file(8);
    for (int i = 0; i < 8; ++i) file[size_t(i)] = uint8_t(uint64_t(head.size()) >> (8 * i));
    file.insert(file.end(), head.begin(), head.end());
    for (const Tensor& tensor : tensors) file.insert(file.end(), tensor.data.begin(), tensor.data.end());
    return file;
}

// ------------------------------------------------------------------------------------------------ the calls

struct Decoded {
    hpcm_status status = HPCM_OK;
    uint32_t width = 0, height = 0;
    Bytes samples;
};

Decoded decode(hpcm_picture* picture, const hpcm_request& request, uint32_t channels) {
    Decoded made;
    made.status = hpcm_get_size(picture, &request, &made.width, &made.height);
    if (made.status != HPCM_OK || uint64_t(made.width) * made.height > (1 << 14)) return made;
    const size_t line = size_t(made.width) * channels * (request.bits == 16 ? 2 : 1);
    made.samples.resize(line * made.height);
    uint8_t none = 0;
    made.status = hpcm_decode_into(picture, &request, made.samples.empty() ? &none : made.samples.data(), line);
    return made;
}

void need(bool good) {
    if (!good) std::abort();
}

// A rectangle of a picture has the samples that the picture has there.
void compare(const Decoded& whole, const Decoded& part, const hpcm_request& request, size_t pixel) {
    for (uint32_t y = 0; y < part.height; ++y) {
        const uint8_t* row = whole.samples.data() + (size_t(request.y + y) * whole.width + request.x) * pixel;
        need(std::memcmp(row, part.samples.data() + size_t(y) * part.width * pixel, part.width * pixel) == 0);
    }
}

int stop_late(void* calls, double) { return --*static_cast<int*>(calls) > 0; }

void use(hpcm_picture* picture, const Bytes& request) {
    const auto byte = [&](size_t i) { return i < request.size() ? request[i] : uint8_t(0); };
    hpcm_info info;
    need(hpcm_get_info(picture, &info) == HPCM_OK);
    for (const hpcm_metadata kind : {HPCM_ICC, HPCM_EXIF, HPCM_XMP}) {
        const uint8_t* data = nullptr;
        size_t size = 0;
        hpcm_get_metadata(picture, kind, &data, &size);
    }
    const uint8_t scales[4] = {1, 2, 4, 8};
    int calls = byte(1) & 16 ? 1 + byte(7) % 40 : 1 << 20;
    hpcm_request whole{};
    whole.scale = scales[byte(0) & 3];
    whole.bits = byte(1) & 1 ? 16 : 8;
    whole.progress = stop_late;
    whole.user = &calls;
    const Decoded first = decode(picture, whole, info.channels);
    const int more = byte(1) >> 1 & 3;  // what is done besides: one thing of an input, so that each is quick
    if (more == 1) {
        hpcm_request part = whole;
        part.x = byte(2), part.y = byte(3), part.width = byte(4), part.height = byte(5);
        const Decoded second = decode(picture, part, info.channels);
        const bool both = first.status == HPCM_OK && second.status == HPCM_OK && !second.samples.empty();
        if (both && whole.scale == 1 && part.width != 0) compare(first, second, part, info.channels * (whole.bits / 8));
    }
    if (more == 2) {
        const std::string usual = hpcm::available_levels().back();
        hpcm::set_simd_level("scalar");
        const Decoded again = decode(picture, whole, info.channels);
        hpcm::set_simd_level(usual);
        if (first.status == HPCM_OK && again.status == HPCM_OK) need(first.samples == again.samples);
    }
    if (more == 3) hpcm_verify(picture);
}

void run(const std::vector<Bytes>& parts) {
    hpcm_decoder* decoder = hpcm_decoder_new();
    const hpcm_limits limits{1 << 13, 1 << 16, 1 << 25};
    need(decoder != nullptr && hpcm_decoder_set_limits(decoder, &limits) == HPCM_OK && hpcm_decoder_set_threads(decoder, 1) == HPCM_OK);
    const std::string program(parts[kProgram].begin(), parts[kProgram].end());
    hpcm::Digest identity{};
    const Bytes model = model_file(program, tensors_of(program, parts[kWeights], parts[kTables]), identity);
    hpcm_decoder_add_model(decoder, model.data(), model.size());
    Bytes file = parts[kFile];
    const auto place = std::search(file.begin(), file.end(), kPlaceholder, kPlaceholder + 8);
    if (place != file.end()) std::copy_n(identity.begin(), 8, place);
    hpcm_picture* picture = nullptr;
    const unsigned flags = !parts[kRequest].empty() && (parts[kRequest][0] & 128) != 0 ? HPCM_ALLOW_TRUNCATED : 0;
    if (hpcm_open(decoder, file.data(), file.size(), flags, &picture) == HPCM_OK) use(picture, parts[kRequest]);
    hpcm_close(picture);
    hpcm_decoder_free(decoder);
}

// A number of the program, as JSON has it, becomes another one.
void change_number(Bytes& text, std::minstd_rand& random) {
    if (text.empty()) return;
    size_t at = random() % text.size();
    while (at < text.size() && (text[at] < '0' || text[at] > '9')) ++at;
    size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    static const char* const kNumbers[] = {"0", "1", "2", "3", "4", "5", "7", "8", "16", "31", "64", "255", "1024", "1065353216", "2147483647"};
    const std::string number = kNumbers[random() % (sizeof kNumbers / sizeof *kNumbers)];
    text.erase(text.begin() + ptrdiff_t(at), text.begin() + ptrdiff_t(end));
    text.insert(text.begin() + ptrdiff_t(at), number.begin(), number.end());
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned int seed) {
    std::minstd_rand random(seed);
    std::vector<Bytes> parts = split(data, size);
    static const Part kChoice[] = {kProgram, kProgram, kProgram, kWeights, kTables, kFile, kFile, kFile, kRequest};
    const Part part = kChoice[random() % 9];
    Bytes& chosen = parts[part];
    if (part == kProgram && random() % 2 == 0) {
        change_number(chosen, random);
    } else {
        const size_t room = chosen.size() + 64;
        const size_t before = chosen.size();
        chosen.resize(room);
        chosen.resize(LLVMFuzzerMutate(chosen.data(), before, room));
    }
    const Bytes made = joined(parts);
    if (made.size() > most) return size;
    std::copy(made.begin(), made.end(), data);
    return made.size();
}

// The model of one input with the file or the request of another: programs go with the weights and tables that they were made for.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t size_a, const uint8_t* b, size_t size_b, uint8_t* out, size_t most,
                                            unsigned int seed) {
    std::vector<Bytes> parts = split(a, size_a);
    const std::vector<Bytes> others = split(b, size_b);
    parts[kRequest] = others[kRequest];
    if (seed % 2 == 0) parts[kFile] = others[kFile];
    const Bytes made = joined(parts);
    if (made.size() > most) return 0;
    std::copy(made.begin(), made.end(), out);
    return made.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    run(split(data, size));
    return 0;
}
