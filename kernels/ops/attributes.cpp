#include "attributes.h"

#include <cmath>
#include <cstring>

#include "status.h"

namespace hpcm {
namespace {

constexpr int64_t kMostSize = 1 << 20;  // factors of sizes

}  // namespace

Attributes::Attributes(const std::vector<Json>& node, size_t first, std::string owner)
    : node_(node), at_(first), owner_(std::move(owner)) {}

void Attributes::fail(const std::string& problem) const { throw ModelCorrupt(owner_ + ": " + problem); }

const Json& Attributes::next() {
    if (at_ >= node_.size()) fail("an attribute is missing");
    return node_[at_++];
}

int64_t Attributes::integer(int64_t least, int64_t most) {
    const int64_t value = next().integer();
    if (value < least || value > most) {
        fail("attribute " + std::to_string(value) + " is not " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
}

float Attributes::number() { return read_number(next()); }

float Attributes::positive() {
    const float value = number();
    if (!(value > 0.0f)) fail("a number must be above 0");
    return value;
}

Size Attributes::size() { return read_size(next()); }

std::vector<int64_t> Attributes::integers(size_t most, int64_t least_value, int64_t most_value) {
    const auto& items = next().items();
    if (items.empty() || items.size() > most) fail("a list is empty or too long");
    std::vector<int64_t> values;
    values.reserve(items.size());
    for (const Json& item : items) {
        values.push_back(item.integer());
        if (values.back() < least_value || values.back() > most_value) fail("a list holds a number out of range");
    }
    return values;
}

std::pair<int, int> Attributes::pair(int64_t least, int64_t most) {
    const std::vector<int64_t> values = integers(2, least, most);
    if (values.size() != 2) fail("a pair is expected");
    return {static_cast<int>(values[0]), static_cast<int>(values[1])};
}

void Attributes::finish() const {
    if (at_ < node_.size()) fail("there are too many attributes");
}

Size read_size(const Json& json) {
    const auto& items = json.items();
    if (items.size() != 2) throw ModelCorrupt("a size is not [mul, div]");
    const Size size{items[0].integer(), items[1].integer()};
    if (size.mul < 0 || size.mul > kMostSize || size.div < -kMostSize || size.div > kMostSize || size.div == 0) {
        throw ModelCorrupt("a size is out of range");
    }
    return size;
}

float read_number(const Json& json) {
    const int64_t bits = json.integer();
    if (bits < 0 || bits > UINT32_MAX) throw ModelCorrupt("a number is not 32 bits");
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, sizeof value);
    if (!std::isfinite(value)) throw ModelCorrupt("a number is not finite");
    return value;
}

}  // namespace hpcm
