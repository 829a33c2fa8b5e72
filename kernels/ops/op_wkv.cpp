// wkv [k, v, w (C), u (C)]: rows, columns. Bidirectional linear attention in windows of so many rows and columns, aligned top left,
// clipped at the right and lower edge, each a sequence in raster order; 0 is the whole side (FORMAT.md, Bi-WKV).
#include "wkv.h"

#include <limits>
#include <vector>

#include "definition.h"
#include "operands.h"

namespace hpcm {
namespace {

constexpr int64_t kChunk = 64;  // part of the format

struct State {
    float m = -std::numeric_limits<float>::infinity(), n = 0.0f, d = 0.0f;
};

State step(const State& s, float w, float k, float v) {
    const float shifted = s.m - w, m = definition::larger(shifted, k);
    const float a = definition::exp(shifted - m), b = definition::exp(k - m);
    return {m, definition::fma(a, s.n, b * v), definition::fma(a, s.d, b)};
}

State join(const State& outer, const State& inner, int64_t length, float w) {
    const float shifted = definition::fma(-static_cast<float>(length), w, outer.m), m = definition::larger(shifted, inner.m);
    const float a = definition::exp(shifted - m), b = definition::exp(inner.m - m);
    return {m, definition::fma(a, outer.n, b * inner.n), definition::fma(a, outer.d, b * inner.d)};
}

float output(const State& past, const State& future, float u, float k, float v) {
    const float own = u + k, top = definition::larger(definition::larger(past.m, future.m), own);
    const float a = definition::exp(past.m - top), b = definition::exp(future.m - top), c = definition::exp(own - top);
    return definition::fma(c, v, definition::fma(b, future.n, a * past.n)) / (definition::fma(b, future.d, a * past.d) + c);
}

// One channel of one window.
std::vector<float> sequence(const std::vector<float>& k, const std::vector<float>& v, float w, float u) {
    const int64_t tokens = static_cast<int64_t>(k.size()), chunks = (tokens + kChunk - 1) / kChunk;
    const auto end = [&](int64_t j) { return std::min(tokens, (j + 1) * kChunk); };
    const auto at = [](int64_t t) { return static_cast<size_t>(t); };
    std::vector<State> before(at(chunks)), after(at(chunks));
    for (int64_t j = 1; j < chunks; ++j) {
        State own;
        for (int64_t t = (j - 1) * kChunk; t < j * kChunk; ++t) own = step(own, w, k[at(t)], v[at(t)]);
        before[at(j)] = join(before[at(j - 1)], own, kChunk, w);
    }
    for (int64_t j = chunks - 2; j >= 0; --j) {
        State own;
        for (int64_t t = end(j + 1) - 1; t >= (j + 1) * kChunk; --t) own = step(own, w, k[at(t)], v[at(t)]);
        after[at(j)] = join(after[at(j + 1)], own, end(j + 1) - (j + 1) * kChunk, w);
    }
    std::vector<float> y(k.size());
    for (int64_t t = 0; t < tokens; ++t) {
        const int64_t j = t / kChunk;
        State past = before[at(j)], future = after[at(j)];
        for (int64_t i = j * kChunk; i < t; ++i) past = step(past, w, k[at(i)], v[at(i)]);
        for (int64_t i = end(j) - 1; i > t; --i) future = step(future, w, k[at(i)], v[at(i)]);
        y[at(t)] = output(past, future, u, k[at(t)], v[at(t)]);
    }
    return y;
}

class Wkv final : public Operation {
public:
    explicit Wkv(Attributes& a) : rows_(a.integer(0, 4096)), columns_(a.integer(0, 4096)) {}

    Shape shape(const Operands& x, const Grid&) const override {
        expect(x, 4);
        require(x[1].shape == x[0].shape, "keys and values of different shapes");
        vector_of(x[2], x[0].shape.channels);
        vector_of(x[3], x[0].shape.channels);
        return x[0].shape;
    }
    double work(const Operands&, const Shape& out) const override { return 200.0 * static_cast<double>(out.count()); }
    double scratch(const Operands&, const Shape& out, int threads) const override {
        const double tokens = static_cast<double>(rows(out)) * static_cast<double>(columns(out));
        return threads * 16.0 * (4.0 * tokens + 8.0);
    }

    void run(const Call& call) const override {
        const Shape& s = call.shape;
        wkv_windows(call[2].data, call[3].data, call[0].data, call[1].data, static_cast<int>(s.channels), static_cast<int>(s.rows),
                    static_cast<int>(s.columns), static_cast<int>(rows(s)), static_cast<int>(columns(s)), call.out);
    }

    void define(const Call& call) const override {
        const Shape& s = call.shape;
        for (int64_t c = 0; c < s.channels; ++c) {
            for (int64_t top = 0; top < s.rows; top += rows(s)) {
                for (int64_t left = 0; left < s.columns; left += columns(s)) {
                    std::vector<float> k, v;
                    std::vector<int64_t> places;
                    for (int64_t i = top; i < std::min(s.rows, top + rows(s)); ++i) {
                        for (int64_t j = left; j < std::min(s.columns, left + columns(s)); ++j) {
                            places.push_back((c * s.rows + i) * s.columns + j);
                            k.push_back(call[0].data[places.back()]);
                            v.push_back(call[1].data[places.back()]);
                        }
                    }
                    const std::vector<float> y = sequence(k, v, call[2].data[c], call[3].data[c]);
                    for (size_t t = 0; t < y.size(); ++t) call.out[places[t]] = y[t];
                }
            }
        }
    }

private:
    int64_t rows(const Shape& s) const { return rows_ == 0 ? s.rows : std::min(rows_, s.rows); }
    int64_t columns(const Shape& s) const { return columns_ == 0 ? s.columns : std::min(columns_, s.columns); }

    int64_t rows_, columns_;
};

}  // namespace

HPCM_OPERATION(wkv, Wkv)

}  // namespace hpcm
