// Eight 16-bit integers at once, for the exact coder: SSE2 where there is, else plain loops that compilers turn into NEON or
// WebAssembly's SIMD. Results are equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__) || defined(_M_X64)
#define HPCM_EXACT_SSE2
#include <emmintrin.h>
#endif
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace hpcm::exact {

// Index of the highest bit of v > 0.
inline int highest_bit(uint32_t v) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long bit;
    _BitScanReverse(&bit, v);
    return int(bit);
#else
    return 31 - __builtin_clz(v);
#endif
}

// The last four of a row of numbers, the newest one highest: read from where they were stored one by one they would hold a
// processor up.
struct Four {
    uint64_t bits = 0;

    static Four before(const int16_t* p) {
        Four r;
        for (int i = -4; i < 0; ++i) r.push(p[i]);
        return r;
    }
    void push(int16_t x) { bits = bits >> 16 | uint64_t(uint16_t(x)) << 48; }
    int16_t newest() const { return int16_t(bits >> 48); }
};

#if defined(HPCM_EXACT_SSE2)

struct Lanes {
    __m128i v;

    static Lanes load(const void* p) { return {_mm_loadu_si128(static_cast<const __m128i*>(p))}; }
    static Lanes splat(int16_t x) { return {_mm_set1_epi16(x)}; }
    static Lanes of(int a, int b, int c, int d, int e, int f, int g, int h) {
        return {_mm_setr_epi16(int16_t(a), int16_t(b), int16_t(c), int16_t(d), int16_t(e), int16_t(f), int16_t(g), int16_t(h))};
    }
    // Four from each place.
    static Lanes halves(const int16_t* p, const int16_t* q) {
        const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
        return {_mm_unpacklo_epi64(a, _mm_loadl_epi64(reinterpret_cast<const __m128i*>(q)))};
    }
    static Lanes halves(const int16_t* p, Four q) {
        const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
        return {_mm_unpacklo_epi64(a, _mm_cvtsi64_si128(int64_t(q.bits)))};
    }
    void store(void* p) const { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

    friend Lanes operator+(Lanes a, Lanes b) { return {_mm_add_epi16(a.v, b.v)}; }
    friend Lanes operator-(Lanes a, Lanes b) { return {_mm_subs_epi16(a.v, b.v)}; }    // saturating
    friend Lanes min(Lanes a, Lanes b) { return {_mm_min_epi16(a.v, b.v)}; }
    friend Lanes max(Lanes a, Lanes b) { return {_mm_max_epi16(a.v, b.v)}; }
    Lanes left(int n) const { return {_mm_sll_epi16(v, _mm_cvtsi32_si128(n))}; }
    Lanes right(int n) const { return {_mm_sra_epi16(v, _mm_cvtsi32_si128(n))}; }
    friend Lanes operator&(Lanes a, Lanes b) { return {_mm_and_si128(a.v, b.v)}; }
    friend Lanes operator^(Lanes a, Lanes b) { return {_mm_xor_si128(a.v, b.v)}; }
    // Upper halves of unsigned products.
    friend Lanes high_product(Lanes a, Lanes b) { return {_mm_mulhi_epu16(a.v, b.v)}; }
    friend Lanes signed_high_product(Lanes a, Lanes b) { return {_mm_mulhi_epi16(a.v, b.v)}; }
    friend Lanes add_saturating(Lanes a, Lanes b) { return {_mm_adds_epi16(a.v, b.v)}; }
};

// How many of sixteen rising unsigned numbers, of which the first is 0, are at most `limit`, less one.
inline int last_not_above(Lanes low, Lanes high, Lanes limit) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i a = _mm_cmpeq_epi16(_mm_subs_epu16(low.v, limit.v), zero);
    const __m128i b = _mm_cmpeq_epi16(_mm_subs_epu16(high.v, limit.v), zero);
    return highest_bit(uint32_t(_mm_movemask_epi8(_mm_packs_epi16(a, b))));
}

// Four 32-bit sums.
struct Sums {
    __m128i v = _mm_setzero_si128();

    void add_product(Lanes a, Lanes b) { v = _mm_add_epi32(v, _mm_madd_epi16(a.v, b.v)); }
    int32_t total() const {
        const __m128i x = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
        return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
    }
};

// full += inputs * step * 2^shift modulo 2^32; returns the upper halves of full.
inline Lanes learn(uint32_t* full, Lanes inputs, Lanes step, int shift) {
    const __m128i zero = _mm_setzero_si128(), count = _mm_cvtsi32_si128(shift);
    __m128i* f = reinterpret_cast<__m128i*>(full);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(inputs.v, zero), step.v);
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi16(inputs.v, zero), step.v);
    const __m128i a = _mm_add_epi32(_mm_loadu_si128(f), _mm_sll_epi32(low, count));
    const __m128i b = _mm_add_epi32(_mm_loadu_si128(f + 1), _mm_sll_epi32(high, count));
    _mm_storeu_si128(f, a);
    _mm_storeu_si128(f + 1, b);
    return {_mm_packs_epi32(_mm_srai_epi32(a, 16), _mm_srai_epi32(b, 16))};
}

#else

struct Lanes {
    int16_t v[8];

    static Lanes load(const void* p) {
        Lanes r;
        std::memcpy(r.v, p, sizeof r.v);
        return r;
    }
    static Lanes splat(int16_t x) { return {{x, x, x, x, x, x, x, x}}; }
    static Lanes of(int a, int b, int c, int d, int e, int f, int g, int h) {
        return {{int16_t(a), int16_t(b), int16_t(c), int16_t(d), int16_t(e), int16_t(f), int16_t(g), int16_t(h)}};
    }
    static Lanes halves(const int16_t* p, const int16_t* q) { return {{p[0], p[1], p[2], p[3], q[0], q[1], q[2], q[3]}}; }
    static Lanes halves(const int16_t* p, Four q) {
        return {{p[0], p[1], p[2], p[3], int16_t(q.bits), int16_t(q.bits >> 16), int16_t(q.bits >> 32), q.newest()}};
    }
    void store(void* p) const { std::memcpy(p, v, sizeof v); }

    template <typename F>
    static Lanes each(F f) {
        Lanes r;
        for (int i = 0; i < 8; ++i) r.v[i] = f(i);
        return r;
    }
    friend Lanes operator+(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return int16_t(uint16_t(a.v[i]) + uint16_t(b.v[i])); });
    }
    friend Lanes operator-(const Lanes& a, const Lanes& b) {
        return each([&](int i) {
            const int32_t d = a.v[i] - b.v[i];
            return int16_t(d < -32768 ? -32768 : d > 32767 ? 32767 : d);
        });
    }
    friend Lanes min(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
    }
    friend Lanes max(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
    }
    Lanes left(int n) const {
        return each([&](int i) { return int16_t(uint16_t(uint32_t(uint16_t(v[i])) << n)); });
    }
    Lanes right(int n) const {
        return each([&](int i) { return int16_t(v[i] >> n); });
    }
    friend Lanes operator&(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return int16_t(a.v[i] & b.v[i]); });
    }
    friend Lanes operator^(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return int16_t(a.v[i] ^ b.v[i]); });
    }
    friend Lanes high_product(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return int16_t(uint16_t(uint32_t(uint16_t(a.v[i])) * uint16_t(b.v[i]) >> 16)); });
    }
    friend Lanes signed_high_product(const Lanes& a, const Lanes& b) {
        return each([&](int i) { return int16_t(int32_t(a.v[i]) * b.v[i] >> 16); });
    }
    friend Lanes add_saturating(const Lanes& a, const Lanes& b) {
        return each([&](int i) {
            const int32_t s = a.v[i] + b.v[i];
            return int16_t(s < -32768 ? -32768 : s > 32767 ? 32767 : s);
        });
    }
};

inline int last_not_above(const Lanes& low, const Lanes& high, const Lanes& limit) {
    int count = -1;
    for (int i = 0; i < 8; ++i) {
        count += uint16_t(low.v[i]) <= uint16_t(limit.v[i]);
        count += uint16_t(high.v[i]) <= uint16_t(limit.v[i]);
    }
    return count;
}

struct Sums {
    int32_t v[8] = {};

    void add_product(const Lanes& a, const Lanes& b) {
        for (int i = 0; i < 8; ++i) v[i] += int32_t(a.v[i]) * b.v[i];
    }
    int32_t total() const {
        int32_t sum = 0;
        for (int i = 0; i < 8; ++i) sum += v[i];
        return sum;
    }
};

inline Lanes learn(uint32_t* full, const Lanes& inputs, const Lanes& step, int shift) {
    for (int i = 0; i < 8; ++i) full[i] += uint32_t(int32_t(inputs.v[i]) * step.v[i]) << shift;
    return Lanes::each([&](int i) { return int16_t(int32_t(full[i]) >> 16); });
}

#endif

// N weights that learn by steepest descent. Their upper halves weigh inputs, in units of 2^-13; sums wrap modulo 2^32.
template <int N, int Shift = 0>
struct Weights {
    int16_t half[N];
    uint32_t full[N];

    explicit Weights(int16_t start = 0) {
        for (int i = 0; i < N; ++i) {
            half[i] = start;
            full[i] = uint32_t(int32_t(start) * 65536);
        }
    }
    // The sum of |inputs| is at most 65535, so that this cannot overflow.
    int32_t dot(const Lanes* inputs) const {
        Sums sums;
        for (int i = 0; i < N / 8; ++i) sums.add_product(inputs[i], Lanes::load(half + 8 * i));
        return sums.total();
    }
    void update(const Lanes* inputs, int16_t step) {
        const Lanes steps = Lanes::splat(step);
        for (int i = 0; i < N / 8; ++i) learn(full + 8 * i, inputs[i], steps, Shift).store(half + 8 * i);
    }
};

}  // namespace hpcm::exact
