#include "inflate.h"

#include <array>

namespace hpcm {
namespace {

[[noreturn]] void damaged() { fail(Status::corrupt, "metadata is damaged (no zlib stream of this size)"); }

// Bits of a stream, lowest first.
class Bits {
public:
    explicit Bits(Bytes bytes) : bytes_(bytes) {}

    uint32_t take(int count) {
        while (held_ < count) {
            if (position_ == bytes_.size) damaged();
            store_ |= uint32_t(bytes_.data[position_++]) << held_;
            held_ += 8;
        }
        const uint32_t value = store_ & ((1u << count) - 1);
        store_ >>= count;
        held_ -= count;
        return value;
    }

    // Drops the rest of a byte; what is held then is whole bytes.
    void align() {
        store_ >>= held_ % 8;
        held_ -= held_ % 8;
    }

    bool at_end() const { return position_ == bytes_.size && held_ == 0; }

private:
    Bytes bytes_;
    size_t position_ = 0;
    uint32_t store_ = 0;
    int held_ = 0;
};

// A canonical prefix code.
class Code {
public:
    Code(const uint8_t* lengths, int count) {
        for (int i = 0; i < count; ++i) ++counts_[lengths[i]];
        counts_[0] = 0;
        int left = 1;
        for (int length = 1; length <= kLongest; ++length) {
            left = 2 * left - counts_[size_t(length)];
            if (left < 0) damaged();  // more codes than there can be
        }
        std::array<int, kLongest + 2> first{};
        for (size_t length = 1; length <= kLongest; ++length) first[length + 1] = first[length] + counts_[length];
        for (int i = 0; i < count; ++i) {
            if (lengths[i] != 0) symbols_[size_t(first[lengths[i]]++)] = uint16_t(i);
        }
    }

    int decode(Bits& bits) const {
        int code = 0, first = 0, index = 0;
        for (int length = 1; length <= kLongest; ++length) {
            code |= int(bits.take(1));
            const int count = counts_[size_t(length)];
            if (code - count < first) return symbols_[size_t(index + code - first)];
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        damaged();
    }

private:
    static constexpr int kLongest = 15;
    std::array<int, kLongest + 1> counts_{};
    std::array<uint16_t, 288> symbols_{};
};

constexpr int kEnd = 256;
constexpr uint16_t kLengthBase[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                      31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr uint8_t kLengthBits[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr uint16_t kDistanceBase[30] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr uint8_t kDistanceBits[30] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

class Inflater {
public:
    Inflater(Bytes packed, size_t size) : bits_(packed), size_(size) {
        out_.reserve(size < 1032 * packed.size ? size : 1032 * packed.size);  // the most that a byte can stand for
    }

    std::vector<uint8_t> run() {
        for (bool last = false; !last;) {
            last = bits_.take(1) != 0;
            switch (bits_.take(2)) {
                case 0: stored(); break;
                case 1: fixed(); break;
                case 2: dynamic(); break;
                default: damaged();
            }
        }
        bits_.align();
        uint32_t sum = 0;
        for (int i = 0; i < 4; ++i) sum = sum << 8 | bits_.take(8);
        if (!bits_.at_end() || out_.size() != size_ || sum != adler()) damaged();
        return std::move(out_);
    }

private:
    void put(uint8_t byte) {
        if (out_.size() == size_) damaged();
        out_.push_back(byte);
    }

    void stored() {
        bits_.align();
        const uint32_t length = bits_.take(16), inverse = bits_.take(16);
        if ((length ^ inverse) != 0xffff) damaged();
        for (uint32_t i = 0; i < length; ++i) put(uint8_t(bits_.take(8)));
    }

    void fixed() {
        uint8_t lengths[288 + 30];
        for (int i = 0; i < 288; ++i) lengths[i] = uint8_t(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
        for (int i = 0; i < 30; ++i) lengths[288 + i] = 5;
        codes(Code(lengths, 288), Code(lengths + 288, 30));
    }

    void dynamic() {
        static constexpr uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
        const int literals = int(bits_.take(5)) + 257, distances = int(bits_.take(5)) + 1, count = int(bits_.take(4)) + 4;
        if (literals > 286 || distances > 30) damaged();
        uint8_t lengths[286 + 30] = {};
        for (int i = 0; i < count; ++i) lengths[order[i]] = uint8_t(bits_.take(3));
        const Code meta(lengths, 19);
        uint8_t found[286 + 30];
        for (int i = 0; i < literals + distances;) {
            const int symbol = meta.decode(bits_);
            int repeat = 1;
            uint8_t value = uint8_t(symbol);
            if (symbol == 16) {
                if (i == 0) damaged();
                value = found[i - 1];
                repeat = 3 + int(bits_.take(2));
            } else if (symbol > 16) {
                value = 0;
                repeat = symbol == 17 ? 3 + int(bits_.take(3)) : 11 + int(bits_.take(7));
            }
            if (i + repeat > literals + distances) damaged();
            for (; repeat > 0; --repeat) found[i++] = value;
        }
        codes(Code(found, literals), Code(found + literals, distances));
    }

    void codes(const Code& literals, const Code& distances) {
        for (;;) {
            const int symbol = literals.decode(bits_);
            if (symbol == kEnd) return;
            if (symbol < kEnd) {
                put(uint8_t(symbol));
                continue;
            }
            const size_t length_code = size_t(symbol - 257);
            if (length_code >= 29) damaged();
            size_t length = kLengthBase[length_code] + bits_.take(kLengthBits[length_code]);
            const size_t code = size_t(distances.decode(bits_));
            if (code >= 30) damaged();
            const size_t distance = kDistanceBase[code] + bits_.take(kDistanceBits[code]);
            if (distance > out_.size()) damaged();
            for (; length > 0; --length) put(out_[out_.size() - distance]);
        }
    }

    uint32_t adler() const {
        uint32_t a = 1, b = 0;
        for (const uint8_t byte : out_) {
            a = (a + byte) % 65521;
            b = (b + a) % 65521;
        }
        return b << 16 | a;
    }

    Bits bits_;
    size_t size_;
    std::vector<uint8_t> out_;
};

}  // namespace

std::vector<uint8_t> inflate(Bytes packed, size_t size) {
    if (packed.size < 6) damaged();
    const int method = packed.data[0], flags = packed.data[1];
    if ((method & 15) != 8 || method >> 4 > 7 || (method << 8 | flags) % 31 != 0 || (flags & 0x20) != 0) damaged();
    return Inflater(packed.from(2), size).run();
}

}  // namespace hpcm
