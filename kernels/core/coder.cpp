#include "coder.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "functions.h"
#include "status.h"

namespace hpcm {
namespace {

// Runs what reads streams; what it says of a damaged one becomes the core's error.
template <typename Body>
auto reading(Body body) {
    const auto damaged = [](const std::exception& error) {
        fail(Status::corrupt, "the latent streams are damaged (" + std::string(error.what()) + ")");
    };
    try {
        return body();
    } catch (const StreamTruncated& error) {
        damaged(error);
    } catch (const StreamCorrupt& error) {
        damaged(error);
    } catch (const std::invalid_argument& error) {  // a prediction that is not a number, which no encoder makes
        damaged(error);
    }
    throw;  // not reached
}

}  // namespace

StreamCoder::StreamCoder(const Tables& tables, const std::vector<Stream>& streams) : tables_(tables) {
    for (const Stream& stream : streams) {
        streams_.push_back(stream.data == nullptr ? nullptr : std::make_unique<RansDecoder>(stream.data, stream.size, tables.set));
    }
}

std::vector<float> StreamCoder::hyper(const float* z_scale, const Shape& shape, int64_t own_rows, int64_t own_columns) {
    std::vector<float> symbols(static_cast<size_t>(shape.count()), 0.0f);
    RansDecoder* const stream = streams_.empty() ? nullptr : streams_[0].get();
    return reading([&] {
        std::vector<uint16_t> by_channel(static_cast<size_t>(shape.channels));
        scale_index(z_scale, by_channel.size(), tables_.z_thresholds, tables_.z_count, by_channel.data());
        if (stream == nullptr) return std::move(symbols);
        const size_t own = static_cast<size_t>(own_rows * own_columns);
        std::vector<uint16_t> rows(own);
        std::vector<int32_t> coded(own);
        for (int64_t c = 0; c < shape.channels; ++c) {
            std::fill(rows.begin(), rows.end(), by_channel[static_cast<size_t>(c)]);
            stream->decode(rows.data(), coded.data(), own);
            for (int64_t i = 0; i < own_rows; ++i) {
                float* const to = symbols.data() + (c * shape.rows + i) * shape.columns;
                for (int64_t j = 0; j < own_columns; ++j) to[j] = static_cast<float>(coded[static_cast<size_t>(i * own_columns + j)]);
            }
        }
        stream->finish();
        return std::move(symbols);
    });
}

void StreamCoder::code(const CodeStep& step) {
    reading([&] {
        const size_t count = step.count();
        std::vector<uint16_t> rows(count);
        scale_index(step.scale, count, tables_.y_thresholds, tables_.y_count, rows.data());
        const size_t number = static_cast<size_t>(step.stream);
        RansDecoder* const stream = number < streams_.size() ? streams_[number].get() : nullptr;
        if (stream == nullptr) {
            std::fill_n(step.values, count, 0.0f);
            return;
        }
        size_t coded = count;
        if (step.layout != nullptr) {
            coded = 0;
            for (size_t i = 0; i < count; ++i) {
                if (step.layout[i] != 0.0f) rows[coded++] = rows[i];
            }
        }
        if (tables_.trellis != nullptr) {
            decode_trellis(*stream, *tables_.trellis, rows.data(), step.values, coded);
        } else {
            stream->decode_floats(rows.data(), step.values, coded);
        }
        for (size_t i = count; coded < i--;) {  // apart again, from the last one
            step.values[i] = step.layout[i] != 0.0f ? step.values[--coded] : 0.0f;
        }
    });
}

void StreamCoder::finish() const {
    reading([&] {
        for (size_t i = 1; i < streams_.size(); ++i) {
            if (streams_[i] != nullptr) streams_[i]->finish();
        }
    });
}

}  // namespace hpcm
