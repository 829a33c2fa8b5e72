// Pixels as wholes: each is first compared with what followed the same surroundings before, and with its neighbours.
// Normative description: formats/EXACT.md, "Copies".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_channel.h"
#include "exact_model.h"
#include "exact_residual.h"

namespace hpcm::exact {

using Pixel = uint64_t;    // its samples, sixteen bits each, first channel lowest; or its index in the palette

class Copies {
public:
    explicit Copies(size_t width, size_t height);

    void begin_row(bool first) {
        if (!first) rows_.next();
        rows_.pad(width_);
        row_ = first ? 0 : 1;
    }

    // How many pixels from x on equal those above them (in the first row: those before), asked for only where that is likely.
    template <typename Coder>
    size_t run(Coder& coder, size_t x, size_t actual);
    bool in_run() const { return same_ >= kTrigger; }
    Pixel source(size_t x) const { return row_ ? rows_[1][x] : rows_[0][ptrdiff_t(x) - 1]; }

    // True if the pixel was found among the candidates; a decoder gets it in `pixel`.
    template <typename Coder>
    bool find(Coder& coder, size_t x, Pixel& pixel);
    // Given the first channel of a pixel that was not found: true if the others are those of an earlier one with the same first.
    template <typename Coder>
    bool complete(Coder& coder, size_t x, Pixel& pixel);
    // A pixel that find() was asked for is now known.
    void settle(size_t x, Pixel pixel);
    // A pixel that was not found is now known.
    void remember(size_t x, Pixel pixel);
    void copy(size_t x, Pixel pixel) { rows_[0][x] = pixel; }
    Pixel* above() const { return rows_[1]; }
    Pixel west(size_t x) const { return rows_[0][ptrdiff_t(x) - 1]; }
    Pixel north(size_t x) const { return rows_[1][x]; }

private:
    static constexpr int kOrders = 3;
    static constexpr int kCandidates = 4;
    static constexpr size_t kTrigger = 8;
    static constexpr int kLowestRun = 3, kHighestRun = 12;

    // What followed some surroundings.
    struct Entry {
        Pixel pixel = 0;
        Slot slot;
        uint16_t tag = 0, age = 0;    // age 0: empty
    };

    // The last pixel that had some first channel, and how often it was confirmed.
    struct Whole {
        Pixel pixel = 0;
        uint32_t age = 0;
    };
    static constexpr int kWholeBits = 12;

    template <typename Coder>
    size_t where(Coder& coder, size_t length, size_t actual);
    void look(size_t x);

    size_t width_;
    Rows<Pixel> rows_;
    int bits_;
    std::vector<Entry> tables_[kOrders];
    Entry* entry_[kOrders];
    bool known_[kOrders];
    uint16_t tag_[kOrders];
    std::vector<Slot> patterns_, masks_, colours_;
    std::vector<Mix::Set> mixes_;
    Mix mix_;
    std::vector<Whole> wholes_[2];    // by left neighbour and first channel, by first channel alone
    Slot whole_slots_[2][8];
    uint32_t pattern_ = 0, history_ = 0;
    Slot run_slots_[2][kHighestRun + 1], where_slots_[kHighestRun + 1];
    size_t same_ = 0;
    int level_ = 4, row_ = 0;
    bool excluded_ = false;
};

inline uint64_t mixed(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

inline Copies::Copies(size_t width, size_t height)
    : width_(width), rows_(width), bits_(10), patterns_(4 * 64 * 8 * 8), masks_(4 * 16 * 8 * 16), colours_(1 << 16),
      mixes_(4 * 4 * 8, Mix::Set(2500)) {
    while (bits_ < 16 && (uint64_t(1) << bits_) < uint64_t(width) * height) ++bits_;
    for (auto& table : tables_) table.resize(size_t(1) << bits_);
    for (auto& table : wholes_) table.resize(size_t(1) << kWholeBits);
}

// Position of the first pixel that differs within the next `length`, of which at least one does.
template <typename Coder>
size_t Copies::where(Coder& coder, size_t length, size_t actual) {
    size_t from = 0;
    while (length > 1) {
        const size_t half = length / 2;
        Slot& slot = where_slots_[std::min(highest_bit(uint32_t(length)), int(kHighestRun))];
        const int later = coder.code(actual >= from + half, slot.probability());
        slot.update(later);
        from += later ? half : 0;
        length = later ? length - half : half;
    }
    return from;
}

template <typename Coder>
size_t Copies::run(Coder& coder, size_t x, size_t actual) {
    excluded_ = false;
    size_t done = 0;
    const size_t left = width_ - x;
    while (done < left) {
        const size_t length = std::min(size_t(1) << level_, left - done), at = x + done;
        const bool flat = row_ && rows_[1][at] == rows_[1][at + 1] && rows_[1][at] == rows_[0][ptrdiff_t(at) - 1];
        Slot& slot = run_slots_[flat][level_];
        const int all = coder.code(actual >= done + length, slot.probability());
        slot.update(all);
        if (!all) {
            done += where(coder, length, actual - std::min(actual, done));
            level_ = std::max(level_ - 1, int(kLowestRun));
            same_ = 0;
            excluded_ = true;
            return done;
        }
        // the caller copies them; contexts of what follows look at the row above only
        for (size_t i = 0; i < length; ++i) rows_[0][at + i] = row_ ? rows_[1][at + i] : rows_[0][ptrdiff_t(at) - 1];
        done += length;
        level_ = std::min(level_ + 1, int(kHighestRun));
    }
    return done;
}

inline void Copies::look(size_t x) {
    const Pixel *p = rows_[0] + x, *p1 = rows_[1] + x, *p2 = rows_[2] + x;
    const Pixel w = p[-1], n = p1[0], nw = p1[-1], ne = p1[1], ww = p[-2], nn = p2[0];
    const Pixel nne = p2[1], nee = p1[2], nww = p1[-2], nnw = p2[-1];
    uint64_t h[kOrders];
    h[0] = mixed(mixed(mixed(mixed(1, w), n), nw), ne);
    h[1] = mixed(mixed(mixed(mixed(h[0], ww), nn), nee), nww);
    h[2] = mixed(mixed(mixed(mixed(mixed(mixed(h[1], nne), nnw), p[-3]), p1[3]), p2[2]), p2[-2]);
    for (int i = 0; i < kOrders; ++i) {
        h[i] *= 0xd6e8feb86659fd93u;
        Entry& e = tables_[i][h[i] >> (64 - bits_)];
        tag_[i] = uint16_t(h[i] >> 16);
        entry_[i] = &e;
        known_[i] = e.age != 0 && e.tag == tag_[i];
    }
    pattern_ = uint32_t(w == n) | uint32_t(n == ne) << 1 | uint32_t(w == nw) << 2 | uint32_t(nw == n) << 3 |
               uint32_t(ww == w) << 4 | uint32_t(nn == n) << 5;
}

template <typename Coder>
bool Copies::find(Coder& coder, size_t x, Pixel& pixel) {
    look(x);
    const Pixel *p = rows_[0] + x, *p1 = rows_[1] + x;
    const Pixel options[kOrders + 4] = {entry_[2]->pixel, entry_[1]->pixel, entry_[0]->pixel, p[-1], p1[0], p1[1], p1[-1]};
    const bool valid[kOrders + 4] = {known_[2], known_[1], known_[0], true, true, true, true};
    Pixel tried[kCandidates];
    int number = 0;
    const Pixel barred = excluded_ ? source(x) : 0;
    for (int o = 0; o < kOrders + 4 && number < kCandidates; ++o) {
        const Pixel candidate = options[o];
        if (!valid[o] || (excluded_ && candidate == barred)) continue;
        if (std::find(tried, tried + number, candidate) != tried + number) continue;
        uint32_t mask = 0, votes = 0;
        int32_t odds[kOrders];
        for (int i = 0; i < kOrders; ++i) {
            const bool agrees = known_[i] && entry_[i]->pixel == candidate;
            odds[i] = agrees ? entry_[i]->slot.log_odds() : known_[i] ? -256 : 0;
            votes |= uint32_t(agrees) << i;
        }
        for (int i = 0; i < 4; ++i) mask |= uint32_t(options[kOrders + i] == candidate) << i;
        const Entry& deepest = known_[2] ? *entry_[2] : known_[1] ? *entry_[1] : *entry_[0];
        const uint32_t age = std::min<uint32_t>(deepest.age, 7);
        const uint32_t rank = uint32_t(number);
        Slot& a = patterns_[((rank * 64 + pattern_) * 8 + votes) * 8 + age];
        Slot& b = masks_[((rank * 16 + mask) * 8 + votes) * 16 + (history_ & 15)];
        Slot& c = colours_[mixed(mixed(mixed(rank, candidate), p[-1]), p1[0]) * 0xd6e8feb86659fd93u >> 48];
        mix_.inputs = Lanes::of(odds[0], odds[1], odds[2], a.log_odds(), b.log_odds(), c.log_odds(), 0, Mix::kConstant);
        Mix::Set& set = mixes_[(rank * 4 + (known_[2] ? 3u : known_[1] ? 2u : known_[0] ? 1u : 0u)) * 8 + age];
        const int hit = coder.code(pixel == candidate, mix_.probability(set));
        mix_.update(set, hit, 2);
        a.update(hit);
        b.update(hit);
        c.update(hit);
        if (hit) {
            pixel = candidate;
            history_ = history_ << 2 | std::min<uint32_t>(rank, 2);
            return true;
        }
        tried[number++] = candidate;
    }
    history_ = history_ << 2 | 3;
    return false;
}

template <typename Coder>
bool Copies::complete(Coder& coder, size_t x, Pixel& pixel) {
    const Pixel first = pixel & 0xffff;
    const uint64_t keys[2] = {mixed(mixed(2, first), rows_[0][ptrdiff_t(x) - 1]), mixed(3, first)};
    bool hit = false;
    Pixel tried = 0;
    bool any = false;
    for (int i = 0; i < 2 && !hit; ++i) {
        Whole& e = wholes_[i][keys[i] * 0xd6e8feb86659fd93u >> (64 - kWholeBits)];
        if (e.age == 0 || (e.pixel & 0xffff) != first || (any && e.pixel == tried)) continue;
        any = true;
        tried = e.pixel;
        Slot& slot = whole_slots_[i][std::min<uint32_t>(e.age, 7)];
        hit = coder.code(pixel == tried, slot.probability()) != 0;
        slot.update(hit);
    }
    if (hit) pixel = tried;
    return hit;
}

inline void Copies::remember(size_t x, Pixel pixel) {
    const Pixel first = pixel & 0xffff;
    const uint64_t keys[2] = {mixed(mixed(2, first), rows_[0][ptrdiff_t(x) - 1]), mixed(3, first)};
    for (int i = 0; i < 2; ++i) {
        Whole& e = wholes_[i][keys[i] * 0xd6e8feb86659fd93u >> (64 - kWholeBits)];
        e.age = e.pixel == pixel ? std::min<uint32_t>(e.age + 1, 255) : 1;
        e.pixel = pixel;
    }
}

inline void Copies::settle(size_t x, Pixel pixel) {
    for (int i = 0; i < kOrders; ++i) {
        Entry& e = *entry_[i];
        if (known_[i] && e.pixel == pixel) {
            e.slot.update(1);
            e.age = uint16_t(std::min(e.age + 1, 255));
            continue;
        }
        if (known_[i]) e.slot.update(0);
        if (!known_[i] || e.slot.state < uint32_t(1) << 31) {
            e.pixel = pixel;
            e.tag = tag_[i];
            e.age = 1;
            e.slot = Slot();
        }
    }
    excluded_ = false;
    same_ = pixel == source(x) ? same_ + 1 : 0;
    rows_[0][x] = pixel;
}

}  // namespace hpcm::exact
