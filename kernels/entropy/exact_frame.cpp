#include "exact_frame.h"

#include "exact_plan.h"

namespace hpcm::exact {

Frame Frame::read(const uint8_t* data, size_t size) {
    require(size > 0);
    const int method = data[0] & 15, more = data[0] >> 4;
    if (method > int(Method::modelled) || more >= int(kMostStreams)) {
        throw StreamNewer("an exact tile is coded in a way that only newer versions know; update hpcmcodec");
    }
    Frame frame;
    frame.method = Method(method);
    size_t at = 1;
    std::vector<size_t> sizes;
    for (int i = 0; i < more; ++i) {
        uint64_t length = 0;
        for (int shift = 0;; shift += 7) {
            require(at < size && shift < 35);
            const uint8_t group = data[at++];
            length |= uint64_t(group & 127) << shift;
            if (group < 128) {
                require(group != 0 || shift == 0);    // no other way to write the same number
                break;
            }
        }
        require(length <= size);
        sizes.push_back(size_t(length));
    }
    for (const size_t length : sizes) {
        require(length <= size - at);
        frame.streams.push_back({data + at, length});
        at += length;
    }
    frame.streams.push_back({data + at, size - at});
    return frame;
}

std::vector<uint8_t> Frame::write(Method method, const std::vector<std::vector<uint8_t>>& streams) {
    std::vector<uint8_t> bytes{uint8_t(uint8_t(method) | (streams.size() - 1) << 4)};
    for (size_t i = 0; i + 1 < streams.size(); ++i) {
        size_t length = streams[i].size();
        for (; length > 127; length >>= 7) bytes.push_back(uint8_t(length | 128));
        bytes.push_back(uint8_t(length));
    }
    for (const auto& stream : streams) bytes.insert(bytes.end(), stream.begin(), stream.end());
    return bytes;
}

}  // namespace hpcm::exact
