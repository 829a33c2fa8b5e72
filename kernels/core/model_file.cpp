#include "model_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "finite.h"
#include "fpenv.h"
#include "json.h"
#include "status.h"
#include "thread_pool.h"

namespace hpcm {
namespace {

constexpr size_t kMaxHead = size_t(1) << 23;
constexpr size_t kMaxTensors = size_t(1) << 14, kMaxRank = 6;
constexpr size_t kAlignment = 16;  // floats: a cache line
constexpr size_t kMaxRows = 768, kMaxThresholds = 255;
const char* const kPrefix = "entropy.";
constexpr std::string_view kFactors = ".scale";

[[noreturn]] void damaged(const std::string& what) { fail(Status::model_file, "the model file is damaged: " + what); }

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

struct Stored {
    std::string name, dtype, digest;
    std::vector<int64_t> dims;
    Bytes bytes;
    size_t count = 1;
};

// 1 to 200 of A-Z a-z 0-9 _ .
bool is_name(const std::string& name) {
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.'; };
    return !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), fits);
}

size_t width_of(const std::string& dtype) {
    if (dtype == "F32" || dtype == "I32") return 4;
    if (dtype == "F16") return 2;
    if (dtype == "I8") return 1;
    damaged("a tensor of type " + dtype);
}

float half_to_float(uint16_t half) {
    const uint32_t sign = uint32_t(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    if (exponent == 31) damaged("a value is not finite");
    if (exponent == 0) {  // exact: a multiple of 2^-24
        const float value = float(mantissa) * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    const uint32_t bits = sign | (exponent + 112) << 23 | mantissa << 13;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

// 0, or a magnitude of 2^-126 .. 2^120: then no product with an int8 number is infinite, none subnormal.
bool usable_factor(const uint8_t* p) {
    const uint32_t magnitude = load_u32(p) & 0x7fffffff;
    return magnitude == 0 || (magnitude >= 0x00800000 && magnitude <= 0x7b800000);
}

void copy_floats(const Stored& from, float* out) {
    for (size_t i = 0; i < from.count; ++i) {
        const uint32_t bits = load_u32(from.bytes.data + 4 * i);
        std::memcpy(out + i, &bits, 4);
    }
    if (!finite(out, from.count)) damaged("a value is not finite");
}

// Every text in a value: among them the names of parameters.
void texts_of(const Json& json, std::unordered_set<std::string>& found) {
    if (json.is(Json::Kind::string)) found.insert(json.string());
    if (json.is(Json::Kind::array)) {
        for (const Json& value : json.items()) texts_of(value, found);
    }
    if (json.is(Json::Kind::object)) {
        for (const Json& value : json.values()) texts_of(value, found);
    }
}

std::vector<int32_t> integers(const Stored& from) {
    std::vector<int32_t> values(from.count);
    for (size_t i = 0; i < from.count; ++i) values[i] = int32_t(load_u32(from.bytes.data + 4 * i));
    return values;
}

}  // namespace

class ModelReader {
public:
    ModelReader(Bytes file, const FindModel& find_base) : file_(file), find_base_(find_base), made_(new ModelFile) {}

    std::shared_ptr<const ModelFile> read() {
        try {
            read_heads();
            check_hashes();
            read_parameters();
            read_tables();
        } catch (const std::invalid_argument& error) {
            damaged(error.what());
        }
        return made_;
    }

private:
    using Named = std::unordered_map<std::string, Stored>;

    void read_heads() {
        if (file_.size < 8) damaged("it is too short");
        const uint64_t length = load_u64(file_.data);
        if (length > kMaxHead || length > file_.size - 8) damaged("its head is too short or too long");
        const Json head = Json::parse({reinterpret_cast<const char*>(file_.data) + 8, size_t(length)});
        data_ = file_.from(8 + size_t(length));
        const Json* metadata = head.find("__metadata__");
        const Json* manifest_text = metadata == nullptr ? nullptr : metadata->find("hpcmcodec");
        if (manifest_text == nullptr) {
            fail(Status::model_file, "the file is a safetensors file but not a model of hpcmcodec");
        }
        const std::string& text = manifest_text->string();
        made_->identity_ = sha256(text.data(), text.size());
        const Json manifest = Json::parse(text);
        read_entries(manifest.at("tensors"));
        read_places(head);
        read_name(*metadata);
        const Json* program = manifest.find("program");
        if (program == nullptr) fail(Status::model_file, "the model file has no program: make it anew with this version");
        made_->program_ = *program;
        leave_out(*program);
        if (const Json* base = manifest.find("base")) find_base(base->string());
    }

    // Parameters that no decoding entry names are not read: there is nothing to hold them to their hashes for.
    void leave_out(const Json& program) {
        const Json& entries = program.at("entries");
        for (size_t i = 0; i < entries.names().size(); ++i) {
            const std::string& name = entries.names()[i];
            if (name != "analysis" && name != "hyper_analysis") texts_of(entries.values()[i], named_);
        }
        std::vector<std::string> others;
        for (const auto& item : stored_) {
            const std::string& name = item.first;
            const std::string owner = is_factors(name) ? name.substr(0, name.size() - kFactors.size()) : name;
            if (!starts_with(name, kPrefix) && named_.count(owner) == 0) others.push_back(name);
        }
        for (const std::string& name : others) stored_.erase(name);
    }

    // What the manifest says of every tensor: type, shape, SHA-256.
    void read_entries(const Json& tensors) {
        if (tensors.names().size() > kMaxTensors) damaged("too many tensors");
        for (size_t i = 0; i < tensors.names().size(); ++i) {
            const auto& entry = tensors.values()[i].items();
            Stored one;
            one.name = tensors.names()[i];
            if (entry.size() != 3 || !is_name(one.name)) damaged("a tensor's name or description");
            one.dtype = entry[0].string();
            if (one.dtype == "I32" && !starts_with(one.name, kPrefix)) damaged(one.name + " has a type that weights cannot have");
            one.digest = entry[2].string();
            if (entry[1].items().size() > kMaxRank) damaged("a tensor's shape");
            for (const Json& extent : entry[1].items()) {
                const int64_t n = extent.integer();
                if (n < 1 || size_t(n) > data_.size / one.count) damaged("a tensor's shape");
                one.dims.push_back(n);
                one.count *= size_t(n);
            }
            stored_.emplace(one.name, one);
        }
    }

    // Where they lie. They fill the data without holes.
    void read_places(const Json& head) {
        std::vector<std::pair<size_t, size_t>> spans;
        for (size_t i = 0; i < head.names().size(); ++i) {
            const std::string& name = head.names()[i];
            if (name == "__metadata__") continue;
            const auto found = stored_.find(name);
            if (found == stored_.end()) damaged("its tensors are not those that the manifest lists");
            Stored& one = found->second;
            const Json& place = head.values()[i];
            const auto& offsets = place.at("data_offsets").items();
            std::vector<int64_t> dims;
            for (const Json& extent : place.at("shape").items()) dims.push_back(extent.integer());
            if (place.at("dtype").string() != one.dtype || dims != one.dims || offsets.size() != 2) {
                damaged("its tensors are not those that the manifest lists");
            }
            const int64_t first = offsets[0].integer(), last = offsets[1].integer();
            if (first < 0 || last < first || uint64_t(last) > data_.size ||
                size_t(last - first) != one.count * width_of(one.dtype)) {
                damaged("a tensor lies outside of the file");
            }
            one.bytes = data_.part(size_t(first), size_t(last - first));
            spans.emplace_back(size_t(first), size_t(last));
        }
        std::sort(spans.begin(), spans.end());
        size_t end = 0;
        for (const auto& span : spans) {
            if (span.first != end) damaged("its tensors overlap or leave holes");
            end = span.second;
        }
        if (spans.size() != stored_.size() || end != data_.size) damaged("its tensors overlap or leave holes");
    }

    void read_name(const Json& metadata) {
        if (const Json* about = metadata.find("hpcmcodec.about")) {
            const Json parsed = Json::parse(about->string());
            if (const Json* name = parsed.find("name")) made_->name_ = name->string();
        }
    }

    void find_base(const std::string& digits) {
        Digest identity{};
        if (digits.size() != 2 * identity.size()) damaged("the identity of its base");
        for (size_t i = 0; i < digits.size(); ++i) {
            const char c = digits[i];
            const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0) damaged("the identity of its base");
            identity[i / 2] = uint8_t(identity[i / 2] << 4 | digit);
        }
        made_->base_ = find_base_ ? find_base_(identity) : nullptr;
        if (!made_->base_) fail(Status::missing_model, "the model builds on another one that is not installed: " + digits.substr(0, 16));
        made_->parameters_ = made_->base_->parameters_;
    }

    void check_hashes() const {
        std::vector<const Stored*> all;
        for (const auto& item : stored_) all.push_back(&item.second);
        parallel_for(all.size(), 4, [&](size_t begin, size_t end) {
            for (size_t i = begin; i < end; ++i) {
                const Digest digest = sha256(all[i]->bytes.data, all[i]->bytes.size);
                if (hex(digest.data(), digest.size()) != all[i]->digest) {
                    damaged(all[i]->name + " does not fit its hash; get the file again");
                }
            }
        });
    }

    const Stored* factors_of(const std::string& name) const {
        const auto found = stored_.find(name + std::string(kFactors));
        return found == stored_.end() ? nullptr : &found->second;
    }

    bool is_factors(const std::string& name) const {
        if (name.size() <= kFactors.size() || name.compare(name.size() - kFactors.size(), kFactors.size(), kFactors) != 0) return false;
        const auto owner = stored_.find(name.substr(0, name.size() - kFactors.size()));
        return owner != stored_.end() && owner->second.dtype == "I8";
    }

    void read_parameters() {
        std::vector<const Stored*> own;
        std::vector<size_t> places;
        size_t total = 0;
        for (const auto& item : stored_) {
            if (starts_with(item.first, kPrefix) || is_factors(item.first)) continue;
            own.push_back(&item.second);
            places.push_back(total);
            total += (item.second.count + kAlignment - 1) / kAlignment * kAlignment;
        }
        made_->memory_.reset(ResultMemory::take(total * sizeof(float)));
        made_->floats_ = total;
        float* const memory = static_cast<float*>(made_->memory_->data());
        parallel_for(own.size(), 4, [&](size_t begin, size_t end) {
            for (size_t i = begin; i < end; ++i) widen(*own[i], memory + places[i]);
        });
        for (size_t i = 0; i < own.size(); ++i) {
            made_->parameters_[own[i]->name] = Parameter{memory + places[i], own[i]->dims};
        }
        for (auto item = made_->parameters_.begin(); item != made_->parameters_.end();) {  // of its base
            item = named_.count(item->first) != 0 ? std::next(item) : made_->parameters_.erase(item);
        }
    }

    void widen(const Stored& from, float* out) const {
        if (from.dtype == "F32") {
            copy_floats(from, out);
        } else if (from.dtype == "F16") {
            for (size_t i = 0; i < from.count; ++i) {
                out[i] = half_to_float(uint16_t(from.bytes.data[2 * i] | from.bytes.data[2 * i + 1] << 8));
            }
        } else {
            widen_bytes(from, out);
        }
    }

    void widen_bytes(const Stored& from, float* out) const {
        const Stored* factors = factors_of(from.name);
        if (factors == nullptr || factors->dtype != "F32" || from.dims.empty() || factors->dims != std::vector<int64_t>{from.dims[0]}) {
            damaged(from.name + " has no fitting factors");
        }
        const size_t rows = size_t(from.dims[0]), columns = from.count / rows;
        for (size_t row = 0; row < rows; ++row) {
            const uint8_t* stored = factors->bytes.data + 4 * row;
            if (!usable_factor(stored)) damaged(from.name + ".scale has factors that are too small or too large");
            const uint32_t bits = load_u32(stored);
            float factor;
            std::memcpy(&factor, &bits, 4);
            for (size_t i = row * columns; i < (row + 1) * columns; ++i) out[i] = float(int8_t(from.bytes.data[i])) * factor;
        }
    }

    const Stored& table(const char* name, const char* dtype) const {
        const auto found = stored_.find(std::string(kPrefix) + name);
        if (found == stored_.end() || found->second.dtype != dtype || found->second.dims.size() != 1) {
            damaged("its entropy tables are not complete");
        }
        return found->second;
    }

    std::vector<float> thresholds(const char* name, size_t rows) const {
        const Stored& from = table(name, "F32");
        std::vector<float> values(from.count);
        copy_floats(from, values.data());
        bool rises = values.size() <= kMaxThresholds && values.size() < rows;
        for (size_t i = 1; i < values.size(); ++i) rises = rises && values[i - 1] < values[i];
        if (!rises) damaged(std::string(name) + " does not rise, or points to more rows than there are");
        return values;
    }

    void read_tables() {
        const auto starts = integers(table("starts", "I32")), lengths = integers(table("lengths", "I32"));
        const auto offsets = integers(table("offsets", "I32")), cdf = integers(table("cdf", "I32"));
        if (starts.size() != lengths.size() || starts.size() != offsets.size() || starts.size() > kMaxRows) {
            damaged("the shapes of its entropy tables do not fit together");
        }
        made_->tables_.emplace(cdf.data(), cdf.size(), starts.data(), lengths.data(), offsets.data(), starts.size());
        made_->y_thresholds_ = thresholds("y_thresholds", starts.size());
        made_->z_thresholds_ = thresholds("z_thresholds", starts.size());
        const auto levels = stored_.find(std::string(kPrefix) + "levels");
        const auto known = std::ptrdiff_t(levels == stored_.end() ? 6 : 7);
        if (std::count_if(stored_.begin(), stored_.end(), [](const auto& item) { return starts_with(item.first, kPrefix); }) != known) {
            damaged("it has a table that there is none of");
        }
        if (levels == stored_.end()) return;
        const size_t rows = made_->y_thresholds_.size() + 1;
        if (levels->second.dtype != "F32" || levels->second.dims != std::vector<int64_t>{int64_t(8 * rows)} || made_->z_thresholds_.size() >= rows) {
            damaged("the levels of its trellis do not fit the tables");
        }
        made_->levels_.resize(levels->second.count);
        copy_floats(levels->second, made_->levels_.data());
        made_->trellis_.emplace(made_->levels_.data(), rows, *made_->tables_);
    }

    Bytes file_, data_;
    const FindModel& find_base_;
    std::shared_ptr<ModelFile> made_;
    Named stored_;
    std::unordered_set<std::string> named_;  // texts in entries that decoders execute: names of parameters and others
};

Parameter ModelFile::parameter(const std::string& name) const {
    const auto found = parameters_.find(name);
    return found == parameters_.end() ? Parameter{} : found->second;
}

std::shared_ptr<const ModelFile> ModelFile::read(Bytes file, const FindModel& find_base) {
    const FpGuard guard;
    return ModelReader(file, find_base).read();
}

}  // namespace hpcm
