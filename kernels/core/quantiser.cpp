#include "quantiser.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "functions.h"
#include "thread_pool.h"
#include "trellis_ops.h"

namespace hpcm {
namespace {

constexpr size_t kGrain = 16 * 1024;  // elements of a task

bool is_number(float x) { return !std::isnan(x); }

}  // namespace

QuantisingCoder::QuantisingCoder(const Tables& tables, int64_t streams, const Choice& choice, bool padded, Keep keep)
    : tables_(tables), streams_(static_cast<size_t>(streams)), choice_(choice), padded_(padded), keep_(keep) {}

std::vector<float> QuantisingCoder::hyper(const float* z, const float* z_scale, const Shape& shape, int64_t own_rows, int64_t own_columns) {
    std::vector<uint16_t> by_channel(static_cast<size_t>(shape.channels));
    scale_index(z_scale, by_channel.size(), tables_.z_thresholds, tables_.z_count, by_channel.data());
    std::vector<float> symbols(static_cast<size_t>(shape.count()), 0.0f);
    Stream& stream = streams_.at(0);
    for (int64_t c = 0; c < shape.channels; ++c) {
        for (int64_t i = 0; i < own_rows; ++i) {
            const int64_t first = (c * shape.rows + i) * shape.columns;
            for (int64_t at = first; at < first + own_columns; ++at) {
                const float symbol = std::rint(z[at]);
                if (!(std::fabs(symbol) < 0x1p31f)) throw std::invalid_argument("a hyper-latent is not a finite number in range");
                stream.symbols.push_back(static_cast<int32_t>(symbol));
                symbols[static_cast<size_t>(at)] = static_cast<float>(stream.symbols.back());
            }
        }
        stream.rows.resize(stream.symbols.size(), by_channel[static_cast<size_t>(c)]);
    }
    return symbols;
}

void QuantisingCoder::code(const CodeStep& step) {
    const size_t coded = residuals(step);
    if (keep_ == Keep::residuals) kept_.push_back({step.shape, {residual_.begin(), residual_.begin() + static_cast<ptrdiff_t>(coded)},
                                                   {rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(coded)}});
    quantise(streams_.at(static_cast<size_t>(step.stream)), coded, step.values);
    for (size_t i = step.count(), next = coded; padded_ && i-- > 0;) {  // apart again, from the last one
        step.values[i] = is_number(step.layout[i]) ? step.values[--next] : 0.0f;
    }
    if (keep_ == Keep::near) keep_near(step);
}

size_t QuantisingCoder::residuals(const CodeStep& step) {
    const size_t count = step.count();
    if (residual_.size() < count) {
        residual_.resize(count);
        rows_.resize(count);
    }
    scale_index(step.scale, count, tables_.y_thresholds, tables_.y_count, rows_.data());
    parallel_for(count, kGrain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) residual_[i] = step.layout[i] - step.mean[i];
        for (size_t i = begin; step.delta != nullptr && i < end; ++i) residual_[i] /= step.delta[i];
    });
    if (!padded_) return count;
    size_t coded = 0;
    for (size_t i = 0; i < count; ++i) {
        if (!is_number(step.layout[i])) continue;
        residual_[coded] = residual_[i];
        rows_[coded++] = rows_[i];
    }
    return coded;
}

void QuantisingCoder::quantise(Stream& stream, size_t count, float* values) {
    const size_t first = stream.symbols.size();
    stream.symbols.resize(first + count);
    stream.rows.resize(first + count);
    int32_t* const symbols = stream.symbols.data() + first;
    uint16_t* const rows = stream.rows.data() + first;
    if (tables_.trellis != nullptr) {
        trellis_quantise(residual_.data(), rows_.data(), count, *tables_.trellis, choice_.strength, choice_.weight, symbols, rows, values);
        return;
    }
    parallel_for(count, kGrain, [&](size_t begin, size_t end) {
        rdo_quantise(residual_.data() + begin, rows_.data() + begin, end - begin, tables_.set, choice_.strength, choice_.weight, symbols + begin);
        std::copy(rows_.data() + begin, rows_.data() + end, rows + begin);
        for (size_t i = begin; i < end; ++i) values[i] = static_cast<float>(symbols[i]);
    });
}

void QuantisingCoder::keep_near(const CodeStep& step) {
    KeptStep kept{step.shape, std::vector<float>(step.count()), {}};
    for (size_t i = 0; i < kept.values.size(); ++i) {
        const float value = step.values[i], scaled = step.delta != nullptr ? value * step.delta[i] : value;
        const float decoded = scaled + step.mean[i], known = is_number(step.layout[i]) ? step.layout[i] : decoded;
        kept.values[i] = value == 0.0f ? decoded : (decoded + known) * 0.5f;
    }
    kept_.push_back(std::move(kept));
}

std::vector<std::vector<uint8_t>> QuantisingCoder::finish() {
    std::vector<std::vector<uint8_t>> made(streams_.size());
    parallel_for(streams_.size(), 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
            made[i] = rans_encode(streams_[i].symbols.data(), streams_[i].rows.data(), streams_[i].symbols.size(), tables_.set);
        }
    });
    streams_.clear();
    return made;
}

double QuantisingCoder::step_bytes(const Tables& tables, double count) {
    const double trellis = 32.0 + 4.0 * kTrellisChoices;  // branches of every element, and choices
    return count * (sizeof(float) + sizeof(uint16_t) + (tables.trellis != nullptr ? trellis : 0.0));
}

}  // namespace hpcm
