#include "json.h"

#include <algorithm>
#include <unordered_set>

#include "status.h"
#include "utf8.h"

namespace hpcm {

// Recursive descent; the depth is bounded.
class JsonReader {
public:
    JsonReader(std::string_view text, const Json::Limits& limits) : text_(text), limits_(limits) {}

    Json read() {
        Json value = read_value(0);
        skip_space();
        if (at_ != text_.size()) fail("something follows the value");
        return value;
    }

private:
    [[noreturn]] void fail(const char* problem) const {
        throw ModelCorrupt("JSON: " + std::string(problem) + " at byte " + std::to_string(at_));
    }

    char peek() const {
        if (at_ == text_.size()) fail("the text ends early");
        return text_[at_];
    }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
    }

    void take(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) fail("an unknown word");
        at_ += word.size();
    }

    bool take_if(char c) {
        skip_space();
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    Json read_value(int depth) {
        if (depth > limits_.depth) fail("too many levels");
        if (++values_ > limits_.values) fail("too many values");
        skip_space();
        Json value;
        switch (peek()) {
            case '{': read_object(value, depth); break;
            case '[': read_array(value, depth); break;
            case '"':
                value.kind_ = Json::Kind::string;
                value.text_ = read_string();
                break;
            case 'n': take("null"); break;
            case 't':
            case 'f':
                value.kind_ = Json::Kind::boolean;
                value.integer_ = peek() == 't';
                take(value.integer_ ? "true" : "false");
                break;
            default: read_number(value);
        }
        return value;
    }

    void read_array(Json& value, int depth) {
        value.kind_ = Json::Kind::array;
        ++at_;
        if (take_if(']')) return;
        do {
            value.items_.push_back(read_value(depth + 1));
        } while (take_if(','));
        if (!take_if(']')) fail("an array is not closed");
    }

    void read_object(Json& value, int depth) {
        value.kind_ = Json::Kind::object;
        ++at_;
        if (take_if('}')) return;
        std::unordered_set<std::string> known;
        do {
            skip_space();
            if (peek() != '"') fail("a name is missing");
            std::string name = read_string();
            if (!known.insert(name).second) fail("a name stands twice");
            if (!take_if(':')) fail("a colon is missing");
            value.names_.push_back(std::move(name));
            value.items_.push_back(read_value(depth + 1));
        } while (take_if(','));
        if (!take_if('}')) fail("an object is not closed");
    }

    std::string read_string() {
        std::string result;
        for (++at_;;) {
            const char c = peek();
            ++at_;
            if (c == '"') break;
            if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
            if (c == '\\') {
                read_escape(result);
            } else {
                result += c;
            }
        }
        check_utf8(result);
        return result;
    }

    void read_escape(std::string& result) {
        static constexpr char kNames[] = "\"\\/bfnrt", kMeant[] = "\"\\/\b\f\n\r\t";
        const char c = peek();
        ++at_;
        if (c == 'u') return add_utf8(read_code_point(), result);
        const auto* found = std::find(kNames, kNames + 8, c);
        if (found == kNames + 8) fail("an unknown escape");
        result += kMeant[found - kNames];
    }

    uint32_t read_hex() {
        uint32_t value = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = peek();
            const bool digit = c >= '0' && c <= '9', low = c >= 'a' && c <= 'f', high = c >= 'A' && c <= 'F';
            if (!digit && !low && !high) fail("a wrong escape");
            value = value * 16 + static_cast<uint32_t>(digit ? c - '0' : low ? c - 'a' + 10 : c - 'A' + 10);
        }
        return value;
    }

    uint32_t read_code_point() {
        const uint32_t first = read_hex();
        if (first < 0xD800 || first > 0xDFFF) return first;
        if (first > 0xDBFF || text_.substr(at_, 2) != "\\u") fail("half of a surrogate pair");
        at_ += 2;
        const uint32_t second = read_hex();
        if (second < 0xDC00 || second > 0xDFFF) fail("half of a surrogate pair");
        return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }

    static void add_utf8(uint32_t code, std::string& to) {
        const auto tail = [&](int shift) { to += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
        if (code < 0x80) {
            to += static_cast<char>(code);
        } else if (code < 0x800) {
            to += static_cast<char>(0xC0 | code >> 6), tail(0);
        } else if (code < 0x10000) {
            to += static_cast<char>(0xE0 | code >> 12), tail(6), tail(0);
        } else {
            to += static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0);
        }
    }

    void check_utf8(const std::string& s) const {
        if (!is_utf8(reinterpret_cast<const uint8_t*>(s.data()), s.size())) fail("text that is not UTF-8");
    }

    size_t digits() {
        const size_t first = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
        return at_ - first;
    }

    void read_number(Json& value) {
        const size_t first = at_;
        if (peek() == '-') ++at_;
        const size_t start = at_, count = digits();
        if (count == 0 || (count > 1 && text_[start] == '0')) fail("not a value");
        bool whole = true;
        if (at_ < text_.size() && text_[at_] == '.') {
            ++at_;
            whole = false;
            if (digits() == 0) fail("a number without digits");
        }
        if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
            ++at_;
            whole = false;
            if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
            if (digits() == 0) fail("a number without digits");
        }
        if (whole && count <= 18) {
            int64_t sum = 0;
            for (size_t i = start; i < at_; ++i) sum = sum * 10 + (text_[i] - '0');
            value.kind_ = Json::Kind::integer;
            value.integer_ = start > first ? -sum : sum;
        } else {
            value.kind_ = Json::Kind::number;
            value.text_ = std::string(text_.substr(first, at_ - first));
        }
    }

    std::string_view text_;
    Json::Limits limits_;
    size_t at_ = 0, values_ = 0;
};

Json Json::parse(std::string_view text, const Limits& limits) {
    if (text.size() > limits.bytes) throw ModelCorrupt("JSON: the text is too long");
    return JsonReader(text, limits).read();
}

const Json& Json::expect(Kind kind) const {
    static constexpr const char* kNames[] = {"null", "a boolean", "an integer", "a number", "a string", "an array", "an object"};
    if (kind_ != kind) {
        throw ModelCorrupt(std::string("JSON: ") + kNames[static_cast<int>(kind)] + " is expected, not " +
                           kNames[static_cast<int>(kind_)]);
    }
    return *this;
}

bool Json::boolean() const { return expect(Kind::boolean).integer_ != 0; }
int64_t Json::integer() const { return expect(Kind::integer).integer_; }
const std::string& Json::string() const { return expect(Kind::string).text_; }
const std::string& Json::number() const { return expect(Kind::number).text_; }
const std::vector<Json>& Json::items() const { return expect(Kind::array).items_; }
const std::vector<std::string>& Json::names() const { return expect(Kind::object).names_; }
const std::vector<Json>& Json::values() const { return expect(Kind::object).items_; }

const Json* Json::find(std::string_view name) const {
    const auto& all = names();
    const auto found = std::find(all.begin(), all.end(), name);
    return found == all.end() ? nullptr : &items_[static_cast<size_t>(found - all.begin())];
}

const Json& Json::at(std::string_view name) const {
    const Json* found = find(name);
    if (found == nullptr) throw ModelCorrupt("JSON: '" + std::string(name) + "' is missing");
    return *found;
}

}  // namespace hpcm
