// How the samples of a tile are visited, the same for reading and writing.
// Normative description: formats/EXACT.md, "Tile".
#pragma once

#include <memory>
#include <vector>

#include "exact_channel.h"
#include "exact_copies.h"
#include "exact_plan.h"
#include "exact_residual.h"

namespace hpcm::exact {

// Bases: how much of the channels before is taken off, in eighths, for the second and the third channel.
constexpr int kBases[4][3] = {{0, 0, 0}, {8, 4, 4}, {8, 0, 8}, {4, 2, 2}};

template <typename Coder>
class TileCoder {
public:
    // `coders`: one for all channels, or one for each. `samples`: rows of pixels of plan.channels samples in coding order, width *
    // height of them; `reference` alike or null.
    TileCoder(std::vector<Coder>& coders, const Plan& plan, size_t width, size_t height, uint16_t* samples, const uint16_t* reference)
        : coders_(coders), plan_(plan), width_(width), height_(height), samples_(samples), reference_(reference) {
        for (int k = 0; k < plan.channels; ++k) {
            channels_.push_back(std::make_unique<Channel>(width, plan.depth(k)));
            models_.push_back(std::make_unique<ResidualModel>(plan.depth(k)));
        }
        if (plan.copies) copies_ = std::make_unique<Copies>(width, height);
    }

    void run() {
        for (size_t y = 0; y < height_; ++y) {
            for (auto& c : channels_) c->begin_row(width_, y == 0);
            if (copies_) {
                copies_->begin_row(y == 0);
                row_with_copies(y);
            } else {
                row_of_literals(y);
            }
        }
    }

private:
    uint16_t* at(size_t y, size_t x) { return samples_ + (y * width_ + x) * size_t(plan_.channels); }
    int32_t shown(size_t y, size_t x, int k) const {    // the reference
        return reference_ ? reference_[(y * width_ + x) * size_t(plan_.channels) + size_t(k)] : 0;
    }
    Coder& coder(size_t k) { return coders_[coders_.size() > 1 ? k : 0]; }
    int32_t base(size_t x, int k) const {
        if (k == 0 || k == 3 || plan_.channels == 2) return 0;
        const int* b = kBases[plan_.bases];
        const int32_t last = channels_[size_t(k - 1)]->at(x).sample;
        return k == 1 ? (last * b[0]) >> 3 : (last * b[1] + channels_[0]->at(x).sample * b[2]) >> 3;
    }
    int32_t activity(size_t y, size_t x, int k) const {
        if (!reference_) return -1;
        const size_t up = y ? y - 1 : y, down = y + 1 < height_ ? y + 1 : y;
        const size_t left = x ? x - 1 : x, right = x + 1 < width_ ? x + 1 : x;
        const int32_t sum = magnitude(shown(y, left, k) - shown(y, right, k)) + magnitude(shown(up, x, k) - shown(down, x, k));
        return clamp(highest_bit(uint32_t(sum >> std::max(plan_.depth(k) - 10, 0)) + 1), 0, 8);
    }
    Pixel pixel(size_t y, size_t x) {
        const uint16_t* s = at(y, x);
        Pixel p = 0;
        for (int k = 0; k < plan_.channels; ++k) p |= Pixel(s[k]) << (16 * k);
        return p;
    }

    // A sample on its way: its channels and what it is relative to are known, it is not.
    struct Begun {
        Slotted slotted;
        int32_t base, offset;
    };

    // Sample K of N of a literal, as far as it goes without reading.
    template <int N, int K>
    HPCM_ALWAYS_INLINE Begun begin(size_t y, size_t x) {
        Channel& c = *channels_[K];
        Around a;
        if constexpr (alone<N, K>) {
            c.predict_alone(x);
        } else if constexpr (K == 1) {
            c.predict_second(x, *channels_[0]);
        } else {
            c.predict_third(x, *channels_[1], *channels_[0]);
        }
        if constexpr (K > 0) a.residual1 = channels_[K - 1]->at(x).residual;
        if constexpr (K > 1) a.residual2 = channels_[K - 2]->at(x).residual;
        const int32_t own = base(x, K), offset = shown(y, x, K);
        a.base = own + offset;
        a.last = plan_.last[K];
        a.activity = activity(y, x, K);
        a.near = plan_.near;
        return {models_[K]->template find<alone<N, K> ? 0 : K>(c, a), own, offset};
    }
    template <int N, int K>
    HPCM_ALWAYS_INLINE void end(size_t y, size_t x, const Begun& begun) {
        uint16_t& s = at(y, x)[K];
        s = uint16_t(models_[K]->code(coder(K), begun.slotted, plan_.near, plan_.last[K], s));
        channels_[K]->template settle<K == 2 ? 3 : 2>(s - begun.offset, begun.base);
    }
    template <int N, int K>
    void sample(size_t y, size_t x) {
        end<N, K>(y, x, begin<N, K>(y, x));
    }
    template <int N>
    void literal(size_t y, size_t x) {
        sample<N, 0>(y, x);
        if (N > 1 && copies_ && plan_.near == 0) {
            Pixel p = Coder::kDecodes ? Pixel(at(y, x)[0]) : pixel(y, x);
            if (copies_->complete(coders_[0], x, p)) {
                for (int j = 1; j < N; ++j) take(y, x, j, p);
                return;
            }
        }
        if constexpr (N > 1) sample<N, 1>(y, x);
        if constexpr (N > 2) sample<N, 2>(y, x);
        if constexpr (N > 3) sample<N, 3>(y, x);
    }
    // Each channel one pixel behind the one before it, so that what is done for one need not wait for the others.
    template <int N>
    void literals(size_t y) {
        const size_t most = N - 1;
        for (size_t t = 0; t < std::min(most, width_); ++t) some<N>(y, t);
        for (size_t t = most; t < width_; ++t) {
            const Begun a = begin<N, 0>(y, t);
            if constexpr (N == 1) {
                end<N, 0>(y, t, a);
            } else if constexpr (N == 2) {
                const Begun b = begin<N, 1>(y, t - 1);
                end<N, 0>(y, t, a);
                end<N, 1>(y, t - 1, b);
            } else {
                const Begun b = begin<N, 1>(y, t - 1), c = begin<N, 2>(y, t - 2);
                end<N, 0>(y, t, a);
                end<N, 1>(y, t - 1, b);
                end<N, 2>(y, t - 2, c);
                if constexpr (N == 4) sample<N, 3>(y, t - 3);
            }
        }
        for (size_t t = std::max(most, width_); t < width_ + most; ++t) some<N>(y, t);
    }
    // The same near the ends of a row, where not every channel has a pixel.
    template <int N>
    void some(size_t y, size_t t) {
        const auto there = [&](size_t k) { return t >= k && t - k < width_; };
        if (there(0)) sample<N, 0>(y, t);
        if constexpr (N > 1) {
            if (there(1)) sample<N, 1>(y, t - 1);
        }
        if constexpr (N > 2) {
            if (there(2)) sample<N, 2>(y, t - 2);
        }
        if constexpr (N > 3) {
            if (there(3)) sample<N, 3>(y, t - 3);
        }
    }
    template <int N>
    void row_of(size_t y) {
        if (coders_.size() > 1 || N == 1) return literals<N>(y);
        for (size_t x = 0; x < width_; ++x) literal<N>(y, x);
    }
    void any_literal(size_t y, size_t x) {
        switch (plan_.channels) {
            case 1: return literal<1>(y, x);
            case 2: return literal<2>(y, x);
            case 3: return literal<3>(y, x);
            default: return literal<4>(y, x);
        }
    }
    void row_of_literals(size_t y) {
        switch (plan_.channels) {
            case 1: return row_of<1>(y);
            case 2: return row_of<2>(y);
            case 3: return row_of<3>(y);
            default: return row_of<4>(y);
        }
    }
    void take(size_t y, size_t x, int k, Pixel p) {
        uint16_t& s = at(y, x)[k] = uint16_t(p >> (16 * k));
        const int32_t sample = int32_t(s) - shown(y, x, k);
        channels_[size_t(k)]->copy(x, sample, base(x, k));
    }
    void take(size_t y, size_t x, Pixel p) {
        for (int k = 0; k < plan_.channels; ++k) take(y, x, k, p);    // in order: a base needs the channels before
    }
    void row_with_copies(size_t y) {
        for (size_t x = 0; x < width_; ++x) {
            if (copies_->in_run()) {
                size_t actual = 0;
                if (!Coder::kDecodes) {
                    const auto source = [&](size_t at) { return y ? copies_->north(at) : copies_->west(x); };
                    while (x + actual < width_ && pixel(y, x + actual) == source(x + actual)) ++actual;
                }
                const size_t length = copies_->run(coders_[0], x, actual);
                for (const size_t end = x + length; x < end; ++x) {
                    const Pixel p = copies_->source(x);
                    copies_->copy(x, p);
                    take(y, x, p);
                }
                if (x == width_) break;
            }
            Pixel p = Coder::kDecodes ? 0 : pixel(y, x);
            if (copies_->find(coders_[0], x, p)) {
                take(y, x, p);
            } else {
                any_literal(y, x);
                p = pixel(y, x);
                copies_->remember(x, p);
            }
            copies_->settle(x, p);
        }
    }

    // Whether sample K of N looks at no channel before it.
    template <int N, int K>
    static constexpr bool alone = K == 0 || K == 3 || N == 2;

    std::vector<Coder>& coders_;
    const Plan& plan_;
    size_t width_, height_;
    uint16_t* samples_;
    const uint16_t* reference_;
    std::vector<std::unique_ptr<Channel>> channels_;
    std::vector<std::unique_ptr<ResidualModel>> models_;
    std::unique_ptr<Copies> copies_;
};

}  // namespace hpcm::exact
