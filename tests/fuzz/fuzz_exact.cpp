// libFuzzer: exact tiles from anywhere, and of the encoder with bytes changed. Checks: nothing but StreamCorrupt and StreamNewer, what was
// encoded comes back within the error that was asked for.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <vector>

#include "exact.h"

namespace {

using namespace hpcm::exact;

struct Numbers {    // cheap and repeatable, so that a few bytes of input stand for many samples
    uint32_t state;
    uint32_t next(uint32_t below) {
        state = state * 1664525u + 1013904223u;
        return uint32_t((uint64_t(state >> 8) * below) >> 24);
    }
};

template <typename T>
std::vector<T> some_samples(FuzzedDataProvider& input, const Shape& shape) {
    Numbers numbers{input.ConsumeIntegral<uint32_t>()};
    const uint32_t last = uint32_t(shape.last()), keep = uint32_t(input.ConsumeIntegralInRange(1, 100));
    const uint32_t range = uint32_t(input.ConsumeIntegralInRange<int>(1, int(last) + 1));
    std::vector<T> samples(shape.width * shape.height * size_t(shape.channels));
    for (size_t i = 0; i < samples.size(); ++i) {
        const bool copied = i >= size_t(shape.channels) && numbers.next(keep);
        samples[i] = copied ? samples[i - size_t(shape.channels)] : T(numbers.next(range));
    }
    return samples;
}

template <typename T>
bool decodes(const std::vector<uint8_t>& stream, const Shape& shape, const std::vector<T>& reference, std::vector<T>& out) {
    out.assign(shape.width * shape.height * size_t(shape.channels), T(0));
    const size_t stride = shape.width * size_t(shape.channels);
    try {
        decode<T>(stream.data(), stream.size(), shape, {reference.empty() ? nullptr : reference.data(), stride}, {out.data(), stride});
        return true;
    } catch (const hpcm::StreamCorrupt&) {
        return false;
    } catch (const hpcm::StreamNewer&) {
        return false;
    }
}

template <typename T>
void run(FuzzedDataProvider& input) {
    Shape shape;
    shape.width = input.ConsumeIntegralInRange<size_t>(1, 80);
    shape.height = input.ConsumeIntegralInRange<size_t>(1, 80);
    shape.channels = input.ConsumeIntegralInRange(1, 4);
    shape.depth = input.ConsumeIntegralInRange(1, int(8 * sizeof(T)));
    std::vector<T> reference, out;
    if (input.ConsumeBool()) reference = some_samples<T>(input, shape);
    if (input.ConsumeBool()) {
        decodes(input.ConsumeRemainingBytes<uint8_t>(), shape, reference, out);
        return;
    }
    const std::vector<T> samples = some_samples<T>(input, shape);
    const size_t stride = shape.width * size_t(shape.channels);
    const Options options{input.ConsumeBool() ? input.ConsumeIntegralInRange(0, 255) : 0, input.ConsumeIntegralInRange(0, 1)};
    std::vector<uint8_t> stream =
        encode<T>({samples.data(), stride}, shape, {reference.empty() ? nullptr : reference.data(), stride}, options);
    if (!decodes(stream, shape, reference, out)) std::abort();
    for (size_t i = 0; i < samples.size(); ++i) {
        if (std::abs(int(samples[i]) - int(out[i])) > options.near) std::abort();
    }
    while (input.remaining_bytes() && !stream.empty()) {
        stream[input.ConsumeIntegralInRange<size_t>(0, stream.size() - 1)] = input.ConsumeIntegral<uint8_t>();
    }
    decodes(stream, shape, reference, out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    FuzzedDataProvider input(data, size);
    if (input.ConsumeBool()) {
        run<uint8_t>(input);
    } else {
        run<uint16_t>(input);
    }
    return 0;
}
