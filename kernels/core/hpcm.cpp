// The C API: opaque handles over the core, exceptions turned into codes.
#include "hpcm.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "container.h"
#include "decoder.h"
#include "file_bytes.h"
#include "lock.h"
#include "model.h"
#include "status.h"
#include "thread_pool.h"

static_assert(int(HPCM_CANCELLED) == int(hpcm::Status::cancelled) && int(HPCM_LIMIT) == int(hpcm::Status::limit) &&
                  int(HPCM_ARITHMETIC) == int(hpcm::Status::arithmetic) && int(HPCM_MODEL_FILE) == int(hpcm::Status::model_file),
              "one set of numbers");

using Id = std::array<uint8_t, 8>;

struct hpcm_decoder {
    std::map<Id, std::shared_ptr<const hpcm::Model>> models;  // under the process's lock, as pictures' metadata are
    hpcm::Limits limits;
    int threads = 0;
    hpcm_find_model find = nullptr;
    void* user = nullptr;
};

struct hpcm_picture {
    hpcm_picture(hpcm_decoder* decoder_, hpcm::FileBytes owned_, hpcm::Bytes data, bool allow_truncated)
        : decoder(decoder_), owned(std::move(owned_)),
          file(owned.empty() ? data : owned.bytes(), decoder_->limits, allow_truncated) {}

    hpcm_decoder* decoder;
    hpcm::FileBytes owned;  // the file's bytes where they were read here
    hpcm::Container file;
    std::map<hpcm::Kind, std::vector<uint8_t>> metadata;
};

namespace {

thread_local hpcm_status t_status = HPCM_OK;
thread_local std::string t_message;

hpcm_status report(hpcm_status status, const char* message) noexcept {
    t_status = status;
    try {
        t_message = message;
    } catch (...) {
        t_message.clear();
    }
    return status;
}

// Runs a call; nothing of C++ leaves it.
template <typename Body>
hpcm_status guarded(Body body) noexcept {
    try {
        body();
        return report(HPCM_OK, "");
    } catch (const hpcm::Error& error) {
        return report(hpcm_status(int(error.status())), error.what());
    } catch (const std::bad_alloc&) {
        return report(HPCM_LIMIT, "there is not enough memory");
    } catch (const std::exception& error) {
        return report(HPCM_FAILED, error.what());
    } catch (...) {
        return report(HPCM_FAILED, "an unknown failure");
    }
}

void need(bool good, const char* message) {
    if (!good) hpcm::fail(hpcm::Status::usage, message);
}

hpcm::FileBytes read_file(const char* path) {
    need(path != nullptr, "a path is NULL");
    return hpcm::FileBytes::read(path);
}

Id id_of(const hpcm::Digest& identity) {
    Id id;
    std::copy_n(identity.begin(), id.size(), id.begin());
    return id;
}

std::shared_ptr<const hpcm::Model> known(const hpcm_decoder& decoder, const Id& id) {
    const std::lock_guard<hpcm::Mutex> lock(hpcm::process_lock());
    const auto found = decoder.models.find(id);
    return found == decoder.models.end() ? nullptr : found->second;
}

// What this thread is looking for. Whoever is asked for a model may try adapters, whose bases are asked for in turn.
thread_local std::vector<std::pair<const hpcm_decoder*, Id>> t_sought;
constexpr size_t kMostSought = 8;

// Asks the caller for a model, but not while it is asked for the same one.
bool find(hpcm_decoder& decoder, const Id& id, const std::string& name) {
    const std::pair<const hpcm_decoder*, Id> one(&decoder, id);
    const bool again = std::find(t_sought.begin(), t_sought.end(), one) != t_sought.end();
    if (decoder.find == nullptr || again || t_sought.size() == kMostSought) return false;
    struct Sought {
        explicit Sought(const std::pair<const hpcm_decoder*, Id>& one) { t_sought.push_back(one); }
        ~Sought() { t_sought.pop_back(); }
    } sought(one);
    return decoder.find(decoder.user, &decoder, id.data(), name.c_str()) != 0;
}

std::shared_ptr<const hpcm::Model> model_of(hpcm_decoder& decoder, const Id& id, const std::string& name) {
    std::shared_ptr<const hpcm::Model> model = known(decoder, id);
    if (!model && find(decoder, id, name)) model = known(decoder, id);
    if (!model) {
        hpcm::fail(hpcm::Status::missing_model,
                   "the file needs the model " + name + " (" + hpcm::hex(id.data(), id.size()) + "), which is not there");
    }
    return model;
}

void add_model(hpcm_decoder& decoder, hpcm::Bytes data) {
    const hpcm::ThreadLimit limit(decoder.threads);
    const auto file = hpcm::ModelFile::read(data, [&](const hpcm::Digest& identity) -> std::shared_ptr<const hpcm::ModelFile> {
        const auto base = model_of(decoder, id_of(identity), "of the same transforms");
        if (base->file().identity() != identity) return nullptr;
        return {base, &base->file()};
    });
    const auto model = std::make_shared<const hpcm::Model>(file);
    const std::lock_guard<hpcm::Mutex> lock(hpcm::process_lock());
    decoder.models[id_of(file->identity())] = model;
}

// Unpacked at the first call, by each of several threads if they come at once, and kept.
const std::vector<uint8_t>& metadata_of(hpcm_picture& picture, hpcm::Kind kind) {
    {
        const std::lock_guard<hpcm::Mutex> lock(hpcm::process_lock());
        const auto found = picture.metadata.find(kind);
        if (found != picture.metadata.end()) return found->second;
    }
    std::vector<uint8_t> block = picture.file.metadata(kind).value_or(std::vector<uint8_t>{});
    const std::lock_guard<hpcm::Mutex> lock(hpcm::process_lock());
    return picture.metadata.emplace(kind, std::move(block)).first->second;
}

hpcm::Region region_of(const hpcm_picture& picture, const hpcm_request* request) {
    const hpcm::Header& header = picture.file.header();
    if (request == nullptr || request->width == 0) return {0, 0, header.width, header.height};
    return {request->x, request->y, request->width, request->height};
}

int scale_of(const hpcm_request* request) { return request == nullptr || request->scale == 0 ? 1 : int(request->scale); }

int bits_of(const hpcm_request* request) { return request == nullptr || request->bits == 0 ? 8 : int(request->bits); }

void decode(hpcm_picture& picture, const hpcm_request* request, const hpcm::PixelRows& rows) {
    hpcm_decoder& decoder = *picture.decoder;
    const hpcm::ThreadLimit limit(decoder.threads);
    const hpcm::Header& header = picture.file.header();
    const auto model = header.learned() ? model_of(decoder, header.model_id, header.model_name) : nullptr;
    const hpcm::Decoding decoding(picture.file, model.get(), region_of(picture, request), scale_of(request), bits_of(request));
    hpcm::Progress progress;
    if (request != nullptr && request->progress != nullptr) {
        progress = [request](double done) { return request->progress(request->user, done) != 0; };
    }
    decoding.run(decoder.limits.memory, 0, rows, progress);
}

hpcm_status open_picture(hpcm_decoder* decoder, hpcm::FileBytes owned, hpcm::Bytes data, unsigned flags, hpcm_picture** picture) {
    need(decoder != nullptr && picture != nullptr, "a decoder or a place for the picture is NULL");
    need((flags & ~unsigned(HPCM_ALLOW_TRUNCATED)) == 0, "a flag that there is none of");
    *picture = new hpcm_picture(decoder, std::move(owned), data, (flags & HPCM_ALLOW_TRUNCATED) != 0);
    return HPCM_OK;
}

}  // namespace

uint32_t hpcm_api_version(void) { return HPCM_API_VERSION; }
hpcm_status hpcm_last_status(void) { return t_status; }
const char* hpcm_last_message(void) { return t_message.c_str(); }

hpcm_decoder* hpcm_decoder_new(void) { return new (std::nothrow) hpcm_decoder; }
void hpcm_decoder_free(hpcm_decoder* decoder) { delete decoder; }

hpcm_status hpcm_decoder_set_limits(hpcm_decoder* decoder, const hpcm_limits* limits) {
    return guarded([&] {
        need(decoder != nullptr && limits != nullptr, "a decoder or its limits are NULL");
        hpcm::Limits wanted;
        if (limits->pixels != 0) wanted.pixels = limits->pixels;
        if (limits->metadata != 0) wanted.metadata = limits->metadata;
        wanted.memory = limits->memory;
        decoder->limits = wanted;
    });
}

hpcm_status hpcm_decoder_set_threads(hpcm_decoder* decoder, int threads) {
    return guarded([&] {
        need(decoder != nullptr, "a decoder is NULL");
        need(threads >= 0 && threads <= 256, "threads must be from 1 to 256, or 0");
        decoder->threads = threads;
    });
}

hpcm_status hpcm_decoder_add_model(hpcm_decoder* decoder, const uint8_t* data, size_t size) {
    return guarded([&] {
        need(decoder != nullptr && (data != nullptr || size == 0), "a decoder or a model is NULL");
        add_model(*decoder, {data, size});
    });
}

hpcm_status hpcm_decoder_add_model_file(hpcm_decoder* decoder, const char* path) {
    return guarded([&] {
        need(decoder != nullptr, "a decoder is NULL");
        add_model(*decoder, read_file(path).bytes());
    });
}

int hpcm_decoder_has_model(const hpcm_decoder* decoder, const uint8_t* id) {
    if (decoder == nullptr || id == nullptr) return 0;
    Id wanted;
    std::copy_n(id, wanted.size(), wanted.begin());
    return known(*decoder, wanted) ? 1 : 0;
}

hpcm_status hpcm_decoder_set_finder(hpcm_decoder* decoder, hpcm_find_model find, void* user) {
    return guarded([&] {
        need(decoder != nullptr, "a decoder is NULL");
        decoder->find = find;
        decoder->user = user;
    });
}

hpcm_status hpcm_open(hpcm_decoder* decoder, const uint8_t* data, size_t size, unsigned flags, hpcm_picture** picture) {
    return guarded([&] {
        need(data != nullptr || size == 0, "the file's bytes are NULL");
        open_picture(decoder, {}, {data, size}, flags, picture);
    });
}

hpcm_status hpcm_open_file(hpcm_decoder* decoder, const char* path, unsigned flags, hpcm_picture** picture) {
    return guarded([&] {
        open_picture(decoder, read_file(path), {}, flags, picture);
    });
}

void hpcm_close(hpcm_picture* picture) { delete picture; }

hpcm_status hpcm_get_info(const hpcm_picture* picture, hpcm_info* info) {
    return guarded([&] {
        need(picture != nullptr && info != nullptr, "a picture or a place for its description is NULL");
        const hpcm::Header& header = picture->file.header();
        *info = hpcm_info{};
        info->width = header.width;
        info->height = header.height;
        info->channels = uint32_t(header.samples());
        info->bit_depth = uint32_t(header.bit_depth);
        info->quality = header.quality;
        info->tile_size = header.tile_size;
        info->exact_tile_size = header.exact_tile_size;
        info->most_error = header.most_error;
        std::copy(header.cicp.begin(), header.cicp.end(), info->cicp);
        info->truncated = picture->file.truncated() ? 1 : 0;
        std::copy(header.model_id.begin(), header.model_id.end(), info->model_id);
        std::memcpy(info->model_name, header.model_name.c_str(), header.model_name.size() + 1);  // at most 48 characters
    });
}

hpcm_status hpcm_get_metadata(hpcm_picture* picture, hpcm_metadata kind, const uint8_t** data, size_t* size) {
    return guarded([&] {
        need(picture != nullptr && data != nullptr && size != nullptr, "a picture or a place for its metadata is NULL");
        need(kind == HPCM_ICC || kind == HPCM_EXIF || kind == HPCM_XMP, "metadata of a kind that there is none of");
        const hpcm::Kind wanted = kind == HPCM_ICC ? hpcm::Kind::icc : kind == HPCM_EXIF ? hpcm::Kind::exif : hpcm::Kind::xmp;
        const std::vector<uint8_t>& block = metadata_of(*picture, wanted);
        *data = block.data();
        *size = block.size();
    });
}

hpcm_status hpcm_get_size(const hpcm_picture* picture, const hpcm_request* request, uint32_t* width, uint32_t* height) {
    return guarded([&] {
        need(picture != nullptr && width != nullptr && height != nullptr, "a picture or a place for its size is NULL");
        const hpcm::Region region = region_of(*picture, request);
        const int scale = scale_of(request);
        *width = uint32_t((region.width + scale - 1) / scale);
        *height = uint32_t((region.height + scale - 1) / scale);
    });
}

hpcm_status hpcm_decode(hpcm_picture* picture, const hpcm_request* request, hpcm_rows rows, void* user) {
    return guarded([&] {
        need(picture != nullptr && rows != nullptr, "a picture or the function that takes its rows is NULL");
        decode(*picture, request, [&](int64_t y, int64_t count, const void* samples) {
            if (rows(user, uint32_t(y), uint32_t(count), static_cast<const uint8_t*>(samples)) == 0) throw hpcm::Cancelled();
        });
    });
}

hpcm_status hpcm_decode_into(hpcm_picture* picture, const hpcm_request* request, uint8_t* samples, size_t stride) {
    return guarded([&] {
        need(picture != nullptr && samples != nullptr, "a picture or the memory for it is NULL");
        const int scale = scale_of(request);
        const size_t pixel = size_t(picture->file.header().samples()) * size_t(bits_of(request) / 8);
        const size_t line = size_t((region_of(*picture, request).width + scale - 1) / scale) * pixel;
        need(stride >= line, "the rows of the memory are too short");
        decode(*picture, request, [&](int64_t y, int64_t count, const void* from) {
            const uint8_t* bytes = static_cast<const uint8_t*>(from);
            for (int64_t i = 0; i < count; ++i) std::copy_n(bytes + size_t(i) * line, line, samples + size_t(y + i) * stride);
        });
    });
}

hpcm_status hpcm_verify(hpcm_picture* picture) {
    return guarded([&] {
        need(picture != nullptr, "a picture is NULL");
        picture->file.verify();
        decode(*picture, nullptr, [](int64_t, int64_t, const void*) {});
    });
}
