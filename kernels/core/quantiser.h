// The encoder's side of `code`: quantises latents where a decoder reads symbols, and keeps what becomes of them.
#pragma once

#include <cstdint>
#include <vector>

#include "coder.h"

namespace hpcm {

// What counts in the choice of symbols: weight * (squared error) + strength * bits. Strength 0 takes the nearest.
struct Choice {
    float strength, weight;
};

// What is kept of a tile besides its streams.
enum class Keep {
    nothing,
    latents,    // what decoders have
    residuals,  // of each step's coded elements, in order: what was quantised, and their rows in the tables of plain rounding
    near,       // of each step's elements, for a next step of the encoder's effort: where the symbol is 0, and where nothing is
                // coded, what decoders have; elsewhere half-way between that and what was given
};

struct KeptStep {
    Shape shape;
    std::vector<float> values;
    std::vector<uint16_t> rows;  // of residuals
};

// Of one tile. The layout operands of steps are the latents themselves, and no numbers where nothing is coded.
class QuantisingCoder final : public Coder {
public:
    // padded: not all elements are coded.
    QuantisingCoder(const Tables& tables, int64_t streams, const Choice& choice, bool padded, Keep keep);

    // The hyper-latent z of this shape in integers, coded in stream 0; of it the top left own_rows x own_columns are coded, the
    // rest becomes 0. Throws std::invalid_argument for what is no integer of 32 bits.
    std::vector<float> hyper(const float* z, const float* z_scale, const Shape& shape, int64_t own_rows, int64_t own_columns);

    void code(const CodeStep& step) override;  // throws std::invalid_argument for predictions that are no numbers

    // The streams, and what was kept; there is nothing left.
    std::vector<std::vector<uint8_t>> finish();
    std::vector<KeptStep> take_kept() { return std::move(kept_); }

    // Memory for a step of so many elements, besides what stays of each coded one.
    static double step_bytes(const Tables& tables, double count);
    static constexpr double kSymbolBytes = 16.0;  // of symbol and row, lists being longer than what is in them, and of the stream

private:
    struct Stream {
        std::vector<int32_t> symbols;
        std::vector<uint16_t> rows;
    };

    size_t residuals(const CodeStep& step);  // of the coded elements, whose number it returns, and their rows
    void quantise(Stream& stream, size_t count, float* values);
    void keep_near(const CodeStep& step);

    const Tables tables_;
    std::vector<Stream> streams_;
    const Choice choice_;
    const bool padded_;
    const Keep keep_;
    std::vector<float> residual_;
    std::vector<uint16_t> rows_;
    std::vector<KeptStep> kept_;
};

}  // namespace hpcm
