// A strict reader of JSON (RFC 8259) for manifests: no repeated names, nothing behind the value, everything bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hpcm {

class Json {
public:
    enum class Kind { null, boolean, integer, number, string, array, object };

    struct Limits {
        size_t bytes = size_t(1) << 23, values = size_t(1) << 20;
        int depth = 32;
    };

    // Throws ModelCorrupt, which says what is wrong and where.
    static Json parse(std::string_view text, const Limits& limits);
    static Json parse(std::string_view text) { return parse(text, Limits()); }

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }

    // Each throws ModelCorrupt for a value of another kind.
    bool boolean() const;
    int64_t integer() const;                  // a number without fraction and exponent that fits
    const std::string& string() const;        // UTF-8, without escapes
    const std::string& number() const;        // of any number but an `integer`: as it is written
    const std::vector<Json>& items() const;   // of an array
    const std::vector<std::string>& names() const;  // of an object, in order; values() go with them
    const std::vector<Json>& values() const;
    const Json* find(std::string_view name) const;  // in an object; null if it is not there
    const Json& at(std::string_view name) const;

private:
    friend class JsonReader;
    const Json& expect(Kind kind) const;

    Kind kind_ = Kind::null;
    int64_t integer_ = 0;
    std::string text_;
    std::vector<Json> items_;
    std::vector<std::string> names_;
};

}  // namespace hpcm
