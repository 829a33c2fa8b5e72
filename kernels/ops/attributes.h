// Reading the attributes of a node, one after another, each with its bounds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "json.h"
#include "operation.h"

namespace hpcm {

class Attributes {
public:
    // The items of `node` from `first` on; `owner` is named in errors.
    Attributes(const std::vector<Json>& node, size_t first, std::string owner);

    // Each throws ModelCorrupt for an attribute that is missing, of another kind, or out of bounds.
    const Json& next();
    int64_t integer(int64_t least, int64_t most);
    float number();    // by its bits; finite
    float positive();  // the same, above 0
    Size size();
    std::vector<int64_t> integers(size_t most, int64_t least_value, int64_t most_value);
    std::pair<int, int> pair(int64_t least, int64_t most);
    void finish() const;  // there must be no more

    [[noreturn]] void fail(const std::string& problem) const;

private:
    const std::vector<Json>& node_;
    size_t at_;
    std::string owner_;
};

// [mul, div]. Throws ModelCorrupt.
Size read_size(const Json& json);

// By its bits, 0 .. 2^32 - 1; finite. Throws ModelCorrupt.
float read_number(const Json& json);

}  // namespace hpcm
