#include <stdexcept>

#include "exact.h"
#include "exact_frame.h"
#include "exact_order.h"
#include "exact_range.h"
#include "exact_tile.h"

namespace hpcm::exact {

void check(const Shape& shape, size_t sample_bytes) {
    const bool sizes = shape.width > 0 && shape.height > 0 && shape.width <= kMaxPixels &&
                       shape.height <= kMaxPixels / shape.width;
    if (!sizes) throw std::invalid_argument("an exact tile has 1 to 2^28 pixels");
    if (shape.channels < 1 || shape.channels > kMaxChannels) throw std::invalid_argument("an exact tile has 1 to 4 channels");
    if (shape.depth < 1 || shape.depth > int(8 * sample_bytes)) throw std::invalid_argument("samples do not hold that depth");
}

namespace {

template <typename T>
void store_plain(const Shape& shape, const std::vector<uint16_t>& coded, View<T> out) {
    const int* order = kOrder[shape.channels - 1];
    const uint16_t* in = coded.data();
    for (size_t y = 0; y < shape.height; ++y) {
        for (size_t x = 0; x < shape.width; ++x) {
            T* to = out.data + y * out.stride + x * size_t(shape.channels);
            for (int k = 0; k < shape.channels; ++k) to[order[k]] = T(*in++);
        }
    }
}

template <typename T>
void store(const Plan& plan, const Shape& shape, const std::vector<uint16_t>& coded, View<T> out) {
    const int* order = kOrder[shape.channels - 1];
    int place[kMaxChannels] = {-1, -1, -1, -1};    // where a stored channel is among the coded ones
    for (int k = 0; k < plan.channels; ++k) place[plan.origin[k]] = k;
    for (size_t y = 0; y < shape.height; ++y) {
        const uint16_t* in = coded.data() + y * shape.width * size_t(plan.channels);
        T* to = out.data + y * out.stride;
        for (size_t x = 0; x < shape.width; ++x, in += plan.channels, to += shape.channels) {
            if (plan.palette) {
                const uint64_t colour = plan.colours[plan.channels ? in[0] : 0];
                for (int k = 0; k < shape.channels; ++k) to[order[k]] = T(colour >> (16 * (shape.channels - 1 - k)));
                continue;
            }
            for (int k = 0; k < shape.channels; ++k) {
                const ChannelPlan& c = plan.stored[k];
                const uint16_t v = place[k] >= 0 ? in[place[k]] : uint16_t(0);
                to[order[k]] = c.kind == ChannelPlan::kFull    ? T(v)
                               : c.kind == ChannelPlan::kRange ? T(c.low + v)
                               : c.kind == ChannelPlan::kList  ? T(c.values[v])
                                                               : to[order[c.source]];
            }
        }
    }
}

}  // namespace

template <typename T>
void decode(const uint8_t* data, size_t size, const Shape& shape, View<const T> reference, View<T> samples) {
    check(shape, sizeof(T));
    const Frame frame = Frame::read(data, size);
    std::vector<RangeDecoder> coders;
    for (const Frame::Part& stream : frame.streams) coders.emplace_back(stream.data, stream.size);
    if (frame.method == Method::plain) {
        require(coders.size() == 1);
        std::vector<uint16_t> plain(shape.width * shape.height * size_t(shape.channels));
        code_plain(coders[0], shape, plain);
        require(coders[0].finished_raw());
        return store_plain(shape, plain, samples);
    }
    Plan plan;
    code_plan(coders[0], shape, reference.data != nullptr, plan);
    require(coders.size() == 1 || coders.size() == size_t(plan.channels));
    std::vector<uint16_t> coded(shape.width * shape.height * size_t(plan.channels)), shown;
    if (reference.data) shown = load(reference, shape);
    const uint16_t* given = reference.data ? shown.data() : nullptr;
    if (plan.channels) TileCoder<RangeDecoder>(coders, plan, shape.width, shape.height, coded.data(), given).run();
    for (const RangeDecoder& coder : coders) require(coder.finished());
    store(plan, shape, coded, samples);
}

template void decode(const uint8_t*, size_t, const Shape&, View<const uint8_t>, View<uint8_t>);
template void decode(const uint8_t*, size_t, const Shape&, View<const uint16_t>, View<uint16_t>);

}  // namespace hpcm::exact
