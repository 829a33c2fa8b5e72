// hpcmdec: decodes an .hpc file to PPM, PGM, PAM or PNG. A user of libhpcm that needs nothing else.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#endif

#include "hpcm.h"

namespace {

const char* const kUsage =
    "usage: hpcmdec [options] FILE.hpc|- [OUTPUT|-]\n"
    "  Decodes to OUTPUT by its suffix: .ppm, .pgm, .pam, .png; to standard output as PPM, PGM or, with alpha, PAM.\n"
    "  -m PATH      a model file, or a folder of them (also $HPCM_MODELS, folders separated as in $PATH)\n"
    "  -r X,Y,W,H   only this rectangle     -s 2|4|8   so much smaller     -t N   threads     -c   also files that were cut off\n"
    "  -d           samples of the file's depth, in 16 bits where it has more than 8: to PPM, PGM and PAM\n"
    "  Exit codes are those of hpcm: 10 not an hpc file, 11 cut off, 12 damaged, 14 no model, 16 too large, 17 other arithmetic.\n";

[[noreturn]] void die(int code, const std::string& message) {
    std::fprintf(stderr, "hpcmdec: %s\n", message.c_str());
    std::exit(code);
}

void check(hpcm_status status) {
    if (status != HPCM_OK) die(status, hpcm_last_message());
}

// Adds models of the folders until it is among them: first those with the file's name for it.
int find_model(void* user, hpcm_decoder* decoder, const uint8_t* id, const char* name) {
    namespace fs = std::filesystem;
    const auto& folders = *static_cast<const std::vector<std::string>*>(user);
    for (const bool named : {true, false}) {
        for (const std::string& folder : folders) {
            std::error_code error;
            for (const auto& entry : fs::directory_iterator(folder, error)) {
                if (entry.path().extension() != ".safetensors" || (entry.path().stem() == name) != named) continue;
                hpcm_decoder_add_model_file(decoder, entry.path().string().c_str());
                if (hpcm_decoder_has_model(decoder, id) != 0) return 1;
            }
        }
    }
    return 0;
}

constexpr char kSeparator =
#if defined(_WIN32)
    ';';  // names of drives have a colon
#else
    ':';
#endif

// Bytes are bytes: some systems change line ends otherwise.
void as_they_are() {
#if defined(_WIN32)
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
#endif
}

std::vector<uint8_t> read_all(std::FILE* file) {
    std::vector<uint8_t> data;
    uint8_t block[1 << 16];
    for (size_t n; (n = std::fread(block, 1, sizeof block, file)) != 0;) data.insert(data.end(), block, block + n);
    return data;
}

void put32(std::vector<uint8_t>& to, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(uint8_t(value >> shift));
}

void put_chunk(std::vector<uint8_t>& to, const char* type, const std::vector<uint8_t>& data) {
    put32(to, uint32_t(data.size()));
    const size_t start = to.size();
    to.insert(to.end(), type, type + 4);
    to.insert(to.end(), data.begin(), data.end());
    uint32_t crc = ~0u;
    for (size_t i = start; i < to.size(); ++i) {
        crc ^= to[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
    }
    put32(to, ~crc);
}

// Not initialised, so that the threads that write a part of it also fetch its memory from the system.
struct Samples {
    explicit Samples(size_t size_) : size(size_), data(new uint8_t[size_]) {}
    size_t size;
    std::unique_ptr<uint8_t[]> data;
};

// A PNG whose pixels are stored, not compressed.
std::vector<uint8_t> png(const uint8_t* samples, uint32_t width, uint32_t height, uint32_t channels) {
    std::vector<uint8_t> out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, head, body{0x78, 0x01};
    put32(head, width);
    put32(head, height);
    const uint8_t types[5] = {0, 0, 4, 2, 6};
    for (const uint8_t byte : {uint8_t(8), types[channels], uint8_t(0), uint8_t(0), uint8_t(0)}) head.push_back(byte);
    std::vector<uint8_t> rows;
    const size_t line = size_t(width) * channels;
    uint32_t a = 1, b = 0;
    for (uint32_t y = 0; y < height; ++y) {
        rows.push_back(0);
        rows.insert(rows.end(), samples + y * line, samples + (y + 1) * line);
    }
    for (const uint8_t byte : rows) a = (a + byte) % 65521, b = (b + a) % 65521;
    for (size_t at = 0; at < rows.size(); at += 65535) {
        const size_t n = std::min<size_t>(65535, rows.size() - at);
        const uint8_t block[5] = {uint8_t(at + n == rows.size()), uint8_t(n), uint8_t(n >> 8), uint8_t(~n), uint8_t(~n >> 8)};
        body.insert(body.end(), block, block + 5);
        body.insert(body.end(), rows.begin() + ptrdiff_t(at), rows.begin() + ptrdiff_t(at + n));
    }
    put32(body, b << 16 | a);
    put_chunk(out, "IHDR", head);
    put_chunk(out, "IDAT", body);
    put_chunk(out, "IEND", {});
    return out;
}

// Samples of 16 bits as they lie in memory to Netpbm's, the more significant byte first.
void to_netpbm(Samples& samples) {
    for (uint8_t* at = samples.data.get(); at < samples.data.get() + samples.size; at += 2) {
        uint16_t value;
        std::memcpy(&value, at, 2);
        at[0] = uint8_t(value >> 8);
        at[1] = uint8_t(value);
    }
}

std::string netpbm_head(uint32_t width, uint32_t height, uint32_t channels, uint32_t depth, bool pam) {
    const std::string size = std::to_string(width) + (pam ? "\nHEIGHT " : " ") + std::to_string(height);
    const std::string most = std::to_string((1u << depth) - 1);
    if (!pam) return (channels == 1 ? "P5\n" : "P6\n") + size + "\n" + most + "\n";
    const char* const types[5] = {"", "GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"};
    return "P7\nWIDTH " + size + "\nDEPTH " + std::to_string(channels) + "\nMAXVAL " + most + "\nTUPLTYPE " + types[channels] + "\nENDHDR\n";
}

bool ends_with(const std::string& text, const char* end) {
    const size_t n = std::strlen(end);
    return text.size() >= n && text.compare(text.size() - n, n, end) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> folders, files;
    hpcm_request request{};
    unsigned flags = 0;
    int threads = 0;
    bool deep = false;
    hpcm_decoder* decoder = hpcm_decoder_new();
    if (decoder == nullptr) die(HPCM_LIMIT, "there is not enough memory");
    as_they_are();
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool takes = word == "-m" || word == "-r" || word == "-s" || word == "-t";
        if (takes && i + 1 == argc) die(HPCM_USAGE, word + " needs a value\n" + kUsage);
        if (word == "-h" || word == "--help") return std::fputs(kUsage, stdout) < 0;
        if (word == "-c") {
            flags = HPCM_ALLOW_TRUNCATED;
        } else if (word == "-d") {
            deep = true;
        } else if (word == "-m") {
            const std::string path = argv[++i];
            if (std::filesystem::is_directory(path)) folders.push_back(path);
            else check(hpcm_decoder_add_model_file(decoder, path.c_str()));
        } else if (word == "-r") {
            if (std::sscanf(argv[++i], "%u,%u,%u,%u", &request.x, &request.y, &request.width, &request.height) != 4) die(HPCM_USAGE, "-r wants X,Y,W,H");
        } else if (word == "-s") {
            request.scale = uint32_t(std::atoi(argv[++i]));
        } else if (word == "-t") {
            threads = std::atoi(argv[++i]);
        } else if (word.size() > 1 && word[0] == '-') {
            die(HPCM_USAGE, "there is no option " + word + "\n" + kUsage);
        } else {
            files.push_back(word);
        }
    }
    if (files.empty() || files.size() > 2) die(HPCM_USAGE, std::string("one file is decoded at a time\n") + kUsage);
    if (const char* named = std::getenv("HPCM_MODELS")) {
        std::string folder;
        for (const char* p = named;; ++p) {
            if (*p != kSeparator && *p != '\0') folder += *p;
            else if (!folder.empty()) folders.push_back(std::move(folder)), folder.clear();
            if (*p == '\0') break;
        }
    }
    check(hpcm_decoder_set_threads(decoder, threads));
    check(hpcm_decoder_set_finder(decoder, find_model, &folders));

    hpcm_picture* picture = nullptr;
    std::vector<uint8_t> data;
    if (files[0] == "-") {
        data = read_all(stdin);
        check(hpcm_open(decoder, data.data(), data.size(), flags, &picture));
    } else {
        check(hpcm_open_file(decoder, files[0].c_str(), flags, &picture));
    }
    hpcm_info info;
    check(hpcm_get_info(picture, &info));
    uint32_t width, height;
    check(hpcm_get_size(picture, &request, &width, &height));
    const std::string output = files.size() == 2 ? files[1] : "-";
    deep = deep && info.bit_depth > 8;
    if (deep && ends_with(output, ".png")) die(HPCM_USAGE, "-d is for PPM, PGM and PAM");
    if (deep) request.bits = 16;
    const size_t line = size_t(width) * info.channels * (deep ? 2 : 1);
    Samples samples(line * height);
    check(hpcm_decode_into(picture, &request, samples.data.get(), line));
    if (deep) to_netpbm(samples);
    const bool alpha = info.channels % 2 == 0, pam = ends_with(output, ".pam") || (alpha && output == "-");
    const bool as_png = ends_with(output, ".png");
    if (alpha && !pam && !as_png) die(HPCM_USAGE, "the picture has alpha, which PPM and PGM cannot hold: use .pam or .png");
    const std::string head = as_png ? "" : netpbm_head(width, height, info.channels, deep ? info.bit_depth : 8, pam);
    const std::vector<uint8_t> made = as_png ? png(samples.data.get(), width, height, info.channels) : std::vector<uint8_t>();
    const auto put = [](const void* data, size_t size, std::FILE* to) { return std::fwrite(data, 1, size, to) == size; };
    std::FILE* to = output == "-" ? stdout : std::fopen(output.c_str(), "wb");
    const bool written = to != nullptr && put(head.data(), head.size(), to) &&
                         (as_png ? put(made.data(), made.size(), to) : put(samples.data.get(), samples.size, to)) && std::fflush(to) == 0;
    if (!written) die(4, output + ": it cannot be written");
    if (to != stdout) std::fclose(to);
    hpcm_close(picture);
    hpcm_decoder_free(decoder);
    return 0;
}
