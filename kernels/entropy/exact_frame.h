// What an exact tile's bytes are made of: how it is coded, then its streams.
// Normative description: formats/EXACT.md, "Payload".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hpcm::exact {

enum class Method : uint8_t {
    plain = 0,       // samples as they are: nothing saves anything
    modelled = 1,    // the plan, then pixels by adaptive models
};

constexpr size_t kMostStreams = 4;

struct Frame {
    struct Part {
        const uint8_t* data;
        size_t size;
    };
    Method method = Method::modelled;
    std::vector<Part> streams;

    // Throws StreamCorrupt, StreamNewer.
    static Frame read(const uint8_t* data, size_t size);
    static std::vector<uint8_t> write(Method method, const std::vector<std::vector<uint8_t>>& streams);
};

}  // namespace hpcm::exact
