#include <algorithm>
#include <stdexcept>
#include <unordered_set>

#include "exact.h"
#include "exact_frame.h"
#include "exact_order.h"
#include "exact_range.h"
#include "exact_tile.h"

namespace hpcm::exact {
namespace {

using Samples = std::vector<uint16_t>;

// Of 256 pixels, how many repeat a neighbour where copies surely do not pay, where it cannot be a photograph of colours, and where
// copies surely pay.
constexpr size_t kHardlyCopied = 12, kPartlyCopied = 112, kMostlyCopied = 160;
// Pixels up to which time does not matter. Of more, without effort, copies have to save one byte of so many, since they take two
// to four times as long to decode.
constexpr size_t kSmall = 1 << 16, kWorth = 32;
// Pixels from which on a stream for each channel is worth its few bytes: decoders are faster for it.
constexpr size_t kApart = 2048;

// Which values each channel has, and whether it repeats an earlier one.
void plan_channels(const Samples& samples, const Shape& shape, bool plain, bool list, Plan& plan) {
    const size_t channels = size_t(shape.channels), pixels = shape.width * shape.height;
    for (size_t k = 0; k < channels && !plain; ++k) {
        ChannelPlan& c = plan.stored[k];
        for (size_t j = 0; j < k && c.kind == ChannelPlan::kFull; ++j) {
            size_t i = 0;
            while (i < pixels && samples[i * channels + j] == samples[i * channels + k]) ++i;
            if (i == pixels) {
                c.kind = ChannelPlan::kCopy;
                c.source = int(j);
            }
        }
        if (c.kind == ChannelPlan::kCopy) continue;
        std::vector<bool> used(size_t(shape.last()) + 1);
        for (size_t i = 0; i < pixels; ++i) used[samples[i * channels + k]] = true;
        const auto first = std::find(used.begin(), used.end(), true);
        const size_t count = size_t(std::count(used.begin(), used.end(), true));
        c.low = int32_t(first - used.begin());
        c.high = shape.last();
        while (!used[size_t(c.high)]) --c.high;
        const size_t width = size_t(c.high - c.low) + 1;
        if (list && count >= 2 && 2 * count <= width && count * 16 <= pixels) {
            c.kind = ChannelPlan::kList;
            for (size_t v = 0; v < used.size(); ++v) {
                if (used[v]) c.values.push_back(uint16_t(v));
            }
        } else if (width == 1 || 2 * width <= size_t(shape.last()) + 1) {
            c.kind = ChannelPlan::kRange;
        }
    }
}

// The colours, rising, or none if there are more than `most`.
std::vector<uint64_t> colours_of(const Samples& samples, const Shape& shape, size_t most) {
    const size_t channels = size_t(shape.channels);
    std::unordered_set<uint64_t> found;
    uint64_t last = ~uint64_t(0);
    bool any = false;
    for (size_t i = 0; i < samples.size(); i += channels) {
        uint64_t colour = 0;
        for (size_t k = 0; k < channels; ++k) colour = colour << 16 | samples[i + k];
        if (any && colour == last) continue;
        any = true;
        last = colour;
        found.insert(colour);
        if (found.size() > most) return {};
    }
    std::vector<uint64_t> colours(found.begin(), found.end());
    std::sort(colours.begin(), colours.end());
    return colours;
}

Samples to_coded(const Samples& samples, const Shape& shape, const Plan& plan) {
    const size_t channels = size_t(shape.channels), pixels = shape.width * shape.height, coded = size_t(plan.channels);
    Samples out(pixels * coded);
    for (size_t i = 0; i < pixels && coded; ++i) {
        if (plan.palette) {
            uint64_t colour = 0;
            for (size_t k = 0; k < channels; ++k) colour = colour << 16 | samples[i * channels + k];
            out[i] = uint16_t(std::lower_bound(plan.colours.begin(), plan.colours.end(), colour) - plan.colours.begin());
            continue;
        }
        for (size_t j = 0; j < coded; ++j) {
            const ChannelPlan& c = plan.stored[plan.origin[j]];
            const uint16_t v = samples[i * channels + size_t(plan.origin[j])];
            uint16_t& to = out[i * coded + j] = v;
            if (c.kind == ChannelPlan::kRange) to = uint16_t(v - c.low);
            if (c.kind == ChannelPlan::kList) to = uint16_t(std::lower_bound(c.values.begin(), c.values.end(), v) - c.values.begin());
        }
    }
    return out;
}

// Of 256, how many pixels equal their left, upper, upper left or upper right neighbour.
size_t repeats(const Samples& coded, const Shape& shape, size_t channels) {
    size_t same = 0, seen = 0;
    const size_t row = shape.width * channels;
    for (size_t y = 1; y < shape.height; ++y) {
        const uint16_t* p = coded.data() + y * row;
        for (size_t x = 1; x + 1 < shape.width; ++x) {
            const uint16_t* here = p + x * channels;
            const auto equal = [&](const uint16_t* other) { return std::equal(here, here + channels, other); };
            same += equal(here - channels) || equal(here - row) || equal(here - row - channels) || equal(here - row + channels);
            ++seen;
        }
    }
    return seen ? same * 256 / seen : 256;
}

// The bases that leave the smallest differences to a simple prediction.
int choose_bases(const Samples& coded, const Shape& shape, const Plan& plan) {
    if (plan.channels < 3) return 0;
    uint64_t cost[4] = {};
    const size_t channels = size_t(plan.channels), row = shape.width * channels, step = shape.height > 256 ? 4 : 1;
    for (size_t y = 1; y < shape.height; y += step) {
        for (size_t x = 1; x < shape.width; ++x) {
            const uint16_t* p = coded.data() + y * row + x * channels;
            int32_t slope[3];
            for (size_t k = 0; k < 3; ++k) {
                const int32_t w = *(p + k - channels), n = *(p + k - row), nw = *(p + k - row - channels);
                slope[k] = p[k] - (w + n - nw);
            }
            for (int b = 0; b < 4; ++b) {
                const int32_t second = slope[1] - (slope[0] * kBases[b][0] >> 3);
                const int32_t third = slope[2] - ((slope[1] * kBases[b][1] + slope[0] * kBases[b][2]) >> 3);
                const auto bits = [](int32_t v) { return highest_bit(uint32_t(magnitude(v)) + 1); };
                cost[b] += uint64_t(64 * (bits(second) + bits(third)) + std::min(magnitude(second) + magnitude(third), 15));
            }
        }
    }
    return int(std::min_element(cost, cost + 4) - cost);
}

std::vector<uint8_t> write(Plan plan, const Shape& shape, Samples coded, const Samples* reference) {
    const bool apart = plan.channels > 1 && !plan.copies && shape.width * shape.height >= kApart;
    std::vector<RangeEncoder> coders(apart ? size_t(plan.channels) : 1);
    code_plan(coders[0], shape, reference != nullptr, plan);
    const uint16_t* given = reference ? reference->data() : nullptr;
    if (plan.channels) TileCoder<RangeEncoder>(coders, plan, shape.width, shape.height, coded.data(), given).run();
    std::vector<std::vector<uint8_t>> streams;
    for (RangeEncoder& coder : coders) streams.push_back(coder.finish());
    return Frame::write(Method::modelled, streams);
}

std::vector<uint8_t> write_plain(const Shape& shape, Samples samples) {
    RangeEncoder coder;
    code_plain(coder, shape, samples);
    return Frame::write(Method::plain, {coder.finish()});
}

}  // namespace

template <typename T>
std::vector<uint8_t> encode(View<const T> view, const Shape& shape, View<const T> reference, const Options& options) {
    check(shape, sizeof(T));
    if (options.near < 0 || options.near > kMaxNear) throw std::invalid_argument("the greatest error is 0 to 255");
    const Samples samples = load(view, shape);
    Samples shown;
    if (reference.data) shown = load(reference, shape);
    const Samples* given = reference.data ? &shown : nullptr;
    Plan plan;
    plan.near = options.near;
    const size_t most = std::min<size_t>(256, shape.width * shape.height / 8);    // colours that a palette is worth its bytes for
    if (shape.channels > 1 && !given && !plan.near) plan.colours = colours_of(samples, shape, most);
    plan.palette = !plan.colours.empty();
    size_t same = 256;
    std::vector<uint8_t> best;
    if (plan.palette) {
        plan.copies = true;
        plan.derive(shape);
        const Samples coded = to_coded(samples, shape, plan);
        best = write(plan, shape, coded, given);
        same = plan.channels ? repeats(coded, shape, 1) : 256;
        if (same >= kMostlyCopied || plan.channels == 0) return best;
        plan.palette = false;
        plan.colours.clear();
    }
    plan_channels(samples, shape, given != nullptr, plan.near == 0, plan);
    plan.derive(shape);
    const Samples coded = to_coded(samples, shape, plan);
    if (plan.channels == 0) return write(plan, shape, coded, given);
    plan.bases = choose_bases(coded, shape, plan);
    same = repeats(coded, shape, size_t(plan.channels));
    plan.copies = same >= kMostlyCopied;
    std::vector<uint8_t> first = write(plan, shape, coded, given);
    const bool patient = options.effort > 0 || shape.width * shape.height <= kSmall;
    if (!plan.copies && same >= (patient ? kHardlyCopied : kPartlyCopied)) {
        plan.copies = true;
        std::vector<uint8_t> copied = write(plan, shape, coded, given);
        if (copied.size() + (patient ? 0 : first.size() / kWorth) < first.size()) first = std::move(copied);
    }
    if (best.empty() || first.size() < best.size()) best = std::move(first);
    const size_t plain_bytes = (samples.size() * size_t(shape.depth) + 8) / 8;
    return best.size() <= plain_bytes ? best : write_plain(shape, samples);
}

template std::vector<uint8_t> encode(View<const uint8_t>, const Shape&, View<const uint8_t>, const Options&);
template std::vector<uint8_t> encode(View<const uint16_t>, const Shape&, View<const uint16_t>, const Options&);

}  // namespace hpcm::exact
