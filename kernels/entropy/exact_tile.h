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
    // `samples`: rows of pixels of plan.channels samples in coding order, width * height of them; `reference` alike or null.
    TileCoder(Coder& coder, const Plan& plan, size_t width, size_t height, uint16_t* samples, const uint16_t* reference)
        : coder_(coder), plan_(plan), width_(width), height_(height), samples_(samples), reference_(reference) {
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
    int32_t base(int k) const {
        if (k == 0 || k == 3 || plan_.channels == 2) return 0;
        const int* b = kBases[plan_.bases];
        const int32_t last = channels_[size_t(k - 1)]->sample;
        return k == 1 ? (last * b[0]) >> 3 : (last * b[1] + channels_[0]->sample * b[2]) >> 3;
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

    // Sample K of N of a literal.
    template <int N, int K>
    void sample(size_t y, size_t x, uint16_t* s, Around& a) {
        constexpr bool alone = K == 0 || K == 3 || N == 2;
        constexpr int vectors = K == 2 ? 3 : 2;
        Channel& c = *channels_[K];
        c.predict<vectors>(x, alone ? nullptr : channels_[K ? K - 1 : 0].get(), K == 2 ? channels_[0].get() : nullptr);
        const int32_t own = base(K), offset = shown(y, x, K);
        a.base = own + offset;
        a.last = plan_.last[K];
        a.activity = reference_ ? activity(y, x, K) : -1;
        const int32_t found = models_[K]->template code<alone ? 0 : K>(coder_, c, a, s[K]);
        s[K] = uint16_t(found);
        c.settle<vectors>(found - offset, own);
        a.residual2 = a.residual1;
        a.residual1 = c.residual;
    }
    template <int N>
    void literal(size_t y, size_t x) {
        uint16_t* s = at(y, x);
        Around a;
        a.near = plan_.near;
        sample<N, 0>(y, x, s, a);
        if (N > 1 && copies_ && plan_.near == 0) {
            Pixel p = Coder::kDecodes ? Pixel(s[0]) : pixel(y, x);
            if (copies_->complete(coder_, x, p)) {
                for (int j = 1; j < N; ++j) take(y, x, j, p);
                return;
            }
        }
        if (N > 1) sample<N, (N > 1 ? 1 : 0)>(y, x, s, a);
        if (N > 2) sample<N, (N > 2 ? 2 : 0)>(y, x, s, a);
        if (N > 3) sample<N, (N > 3 ? 3 : 0)>(y, x, s, a);
    }
    template <int N>
    void literals(size_t y) {
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
            case 1: return literals<1>(y);
            case 2: return literals<2>(y);
            case 3: return literals<3>(y);
            default: return literals<4>(y);
        }
    }
    void take(size_t y, size_t x, int k, Pixel p) {
        uint16_t& s = at(y, x)[k] = uint16_t(p >> (16 * k));
        const int32_t sample = int32_t(s) - shown(y, x, k);
        channels_[size_t(k)]->copy(x, sample, base(k));
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
                const size_t length = copies_->run(coder_, x, actual);
                for (const size_t end = x + length; x < end; ++x) {
                    const Pixel p = copies_->source(x);
                    copies_->copy(x, p);
                    take(y, x, p);
                }
                if (x == width_) break;
            }
            Pixel p = Coder::kDecodes ? 0 : pixel(y, x);
            if (copies_->find(coder_, x, p)) {
                take(y, x, p);
            } else {
                any_literal(y, x);
                p = pixel(y, x);
                copies_->remember(x, p);
            }
            copies_->settle(x, p);
        }
    }

    Coder& coder_;
    const Plan& plan_;
    size_t width_, height_;
    uint16_t* samples_;
    const uint16_t* reference_;
    std::vector<std::unique_ptr<Channel>> channels_;
    std::vector<std::unique_ptr<ResidualModel>> models_;
    std::unique_ptr<Copies> copies_;
};

}  // namespace hpcm::exact
