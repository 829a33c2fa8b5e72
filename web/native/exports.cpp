// What JavaScript (src/core.js) calls: libhpcm's functions with numbers instead of structures, and two questions back.
#include <cstdint>
#include <cstdlib>

#include "dispatch.h"
#include "hpcm.h"

#define WEB_EXPORT(name) extern "C" __attribute__((export_name(#name)))
#define WEB_IMPORT(name) extern "C" __attribute__((import_module("hpcm"), import_name(#name)))

// Told the share of a decoding that is done, 0..1; 0 cancels.
WEB_IMPORT(progress) int web_progress(double done);
// Told the id, 8 bytes, and the name of a model that is not there.
WEB_IMPORT(missing) void web_missing(const uint8_t* id, const char* name);

WEB_EXPORT(allocate) void* web_allocate(size_t size) { return std::malloc(size); }
WEB_EXPORT(release) void web_release(void* data) { std::free(data); }

WEB_EXPORT(status) int web_status() { return hpcm_last_status(); }
WEB_EXPORT(message) const char* web_message() { return hpcm_last_message(); }

// out[i] = a[i] * b[i] + c[i], rounded once, as all kernels do it.
WEB_EXPORT(fma) void web_fma(const float* a, const float* b, const float* c, size_t count, float* out) {
    hpcm::ops().elementwise.fma(a, b, c, count, out);
}

// out = weights * input + a number of each row, as every convolution sums it up; all row by row, columns a multiple of 16.
WEB_EXPORT(product)
void web_product(const float* weights, const float* input, const float* bias, int rows, int depth, int columns, float* panels, float* out) {
    const hpcm::GemmOps& gemm = hpcm::ops().gemm;
    const ptrdiff_t panel = ptrdiff_t(depth) * gemm.panel_width;
    gemm.pack(input, columns, depth, columns, panels, panel);
    gemm.multiply({weights, depth, panels, panel, rows, depth, columns, bias, true, true, out, columns, gemm.panel_width, false, 0, nullptr, 0});
}

// Whether this module's multiply-add rounds once: (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, lost when the product is rounded.
WEB_EXPORT(fused) int web_fused() {
    static volatile float factor = 0x1.001p0f, addend = -0x1.002p0f;
    const float a[4] = {factor, factor, factor, factor}, c[4] = {addend, addend, addend, addend};
    float out[4];
    web_fma(a, a, c, 4, out);
    return out[0] == 0x1p-24f && out[3] == 0x1p-24f;
}

namespace {

int report_missing(void*, hpcm_decoder*, const uint8_t* id, const char* name) {
    web_missing(id, name);
    return 0;
}

hpcm_request request_of(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t scale) {
    hpcm_request request{};
    request.x = x;
    request.y = y;
    request.width = width;
    request.height = height;
    request.scale = scale;
    request.progress = [](void*, double done) { return web_progress(done); };
    return request;
}

}  // namespace

// pixels, metadata, memory: hpcm_limits, 0 for its own.
WEB_EXPORT(decoder) hpcm_decoder* web_decoder(double pixels, double metadata, double memory) {
    hpcm_decoder* const decoder = hpcm_decoder_new();
    const hpcm_limits limits{uint64_t(pixels), uint64_t(metadata), uint64_t(memory)};
    if (decoder != nullptr) {
        hpcm_decoder_set_limits(decoder, &limits);
        hpcm_decoder_set_finder(decoder, report_missing, nullptr);
    }
    return decoder;
}

WEB_EXPORT(limit) int web_limit(hpcm_decoder* decoder, double pixels, double metadata, double memory) {
    const hpcm_limits limits{uint64_t(pixels), uint64_t(metadata), uint64_t(memory)};
    return hpcm_decoder_set_limits(decoder, &limits);
}

WEB_EXPORT(add_model) int web_add_model(hpcm_decoder* decoder, const uint8_t* data, size_t size) {
    return hpcm_decoder_add_model(decoder, data, size);
}

WEB_EXPORT(has_model) int web_has_model(hpcm_decoder* decoder, const uint8_t* id) { return hpcm_decoder_has_model(decoder, id); }

// NULL: see status.
WEB_EXPORT(open) hpcm_picture* web_open(hpcm_decoder* decoder, const uint8_t* data, size_t size, int truncated) {
    hpcm_picture* picture = nullptr;
    hpcm_open(decoder, data, size, truncated != 0 ? HPCM_ALLOW_TRUNCATED : 0, &picture);
    return picture;
}

WEB_EXPORT(close) void web_close(hpcm_picture* picture) { hpcm_close(picture); }

// An hpcm_info, until the next call.
WEB_EXPORT(info) const hpcm_info* web_info(hpcm_picture* picture) {
    static hpcm_info info;
    hpcm_get_info(picture, &info);
    return &info;
}

// A piece of metadata as {address, size}, until the next call.
WEB_EXPORT(metadata) const uint32_t* web_metadata(hpcm_picture* picture, int kind) {
    static uint32_t place[2];
    const uint8_t* data = nullptr;
    size_t size = 0;
    hpcm_get_metadata(picture, hpcm_metadata(kind), &data, &size);
    place[0] = uint32_t(reinterpret_cast<uintptr_t>(data));
    place[1] = uint32_t(size);
    return place;
}

// {width, height} of what a request gives, until the next call.
WEB_EXPORT(size) const uint32_t* web_size(hpcm_picture* picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t scale) {
    static uint32_t size[2];
    const hpcm_request request = request_of(x, y, width, height, scale);
    hpcm_get_size(picture, &request, &size[0], &size[1]);
    return size;
}

namespace {

// Rows into a canvas's RGBA samples.
struct Canvas {
    uint8_t* rgba;
    uint32_t width, channels;
};

int put_rows(void* user, uint32_t y, uint32_t count, const uint8_t* samples) {
    const Canvas& canvas = *static_cast<const Canvas*>(user);
    const size_t pixels = size_t(count) * canvas.width;
    const bool grey = canvas.channels < 3, alpha = canvas.channels % 2 == 0;
    uint8_t* to = canvas.rgba + size_t(y) * canvas.width * 4;
    for (size_t i = 0; i < pixels; ++i, to += 4, samples += canvas.channels) {
        to[0] = samples[0];
        to[1] = samples[grey ? 0 : 1];
        to[2] = samples[grey ? 0 : 2];
        to[3] = alpha ? samples[canvas.channels - 1] : 255;
    }
    return 1;
}

}  // namespace

// Decodes into width * height RGBA samples.
WEB_EXPORT(decode)
int web_decode(hpcm_picture* picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t scale, uint8_t* rgba) {
    const hpcm_request request = request_of(x, y, width, height, scale);
    hpcm_info info;
    Canvas canvas{rgba, 0, 0};
    uint32_t rows;
    if (hpcm_get_info(picture, &info) != HPCM_OK || hpcm_get_size(picture, &request, &canvas.width, &rows) != HPCM_OK) return hpcm_last_status();
    canvas.channels = info.channels;
    return hpcm_decode(picture, &request, put_rows, &canvas);
}

// Decodes into samples of 16 bits, of the depth and the channels that info says, interleaved.
WEB_EXPORT(decode16)
int web_decode16(hpcm_picture* picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t scale, uint8_t* samples) {
    hpcm_request request = request_of(x, y, width, height, scale);
    request.bits = 16;
    hpcm_info info;
    uint32_t columns, rows;
    if (hpcm_get_info(picture, &info) != HPCM_OK || hpcm_get_size(picture, &request, &columns, &rows) != HPCM_OK) return hpcm_last_status();
    return hpcm_decode_into(picture, &request, samples, size_t(columns) * info.channels * 2);
}

WEB_EXPORT(verify) int web_verify(hpcm_picture* picture) { return hpcm_verify(picture); }
