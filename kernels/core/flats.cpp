#include "flats.h"

#include <algorithm>

#include "exact.h"
#include "rans.h"
#include "status.h"

namespace hpcm {

Flats::Flats(Bytes payload, const Header& header) : channels_(size_t(header.channels)) {
    const auto damaged = [] { fail(Status::corrupt, "the list of flat blocks is damaged"); };
    const size_t bytes = header.bit_depth > 8 ? 2 : 1, count = payload.empty() ? 0 : payload.data[0];
    if (!header.learned() || count == 0 || payload.size < 1 + count * channels_ * bytes) damaged();
    const uint8_t* from = payload.data + 1;
    for (size_t i = 0; i < count * channels_; ++i, from += bytes) {
        const int value = bytes == 1 ? from[0] : from[0] | from[1] << 8;
        if (value >> header.bit_depth != 0) damaged();
        values_.push_back(uint16_t(value));
    }
    columns_ = (int64_t(header.width) + kSide - 1) / kSide;
    const int64_t rows = (int64_t(header.height) + kSide - 1) / kSide;
    map_.resize(size_t(rows * columns_));
    const Bytes stream = payload.from(1 + count * channels_ * bytes);
    try {
        exact::decode<uint8_t>(stream.data, stream.size, {size_t(columns_), size_t(rows), 1, 8}, {}, {map_.data(), size_t(columns_)});
    } catch (const StreamCorrupt& error) {
        fail(Status::corrupt, error.what());
    } catch (const StreamNewer& error) {
        fail(Status::unsupported, error.what());
    }
    if (*std::max_element(map_.begin(), map_.end()) > count) damaged();
}

}  // namespace hpcm
