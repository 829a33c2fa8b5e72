#include "strip.h"

#include <algorithm>

namespace hpcm {
namespace {

// Copies the part of one row that lies inside the input; zeros elsewhere.
void copy_row(const Planes& planes, const float* plane, int row, int column, int width, float* to) {
    if (row < 0 || row >= planes.height) {
        std::fill_n(to, width, 0.0f);
        return;
    }
    const int begin = std::clamp(-column, 0, width);
    const int end = std::clamp(planes.width - column, begin, width);
    std::fill_n(to, begin, 0.0f);
    const float* from = plane + static_cast<ptrdiff_t>(row) * planes.width + column;
    std::copy(from + begin, from + end, to + begin);
    std::fill(to + end, to + width, 0.0f);
}

size_t size_of(const WindowBlock& block, int max_channels) {
    return static_cast<size_t>(block.channel_stride) * static_cast<size_t>(max_channels);
}

}  // namespace

Strip::Strip(const Planes& planes, const Window& window, int first_pixel, int columns, int max_channels)
    : planes_(planes), row_(0), column_(0), rows_(0), width_(0), block_([&] {
          const int row0 = first_pixel / window.out_width, row1 = (first_pixel + columns - 1) / window.out_width;
          const bool one_row = row0 == row1;
          const int column0 = one_row ? first_pixel % window.out_width : 0;
          const int column1 = one_row ? (first_pixel + columns - 1) % window.out_width : window.out_width - 1;
          const int row_reach = window.tap_rows - 1, column_reach = window.tap_columns - 1;
          const bool forward = window.step > 0;
          row_ = row0 * window.stride + window.row_offset - (forward ? 0 : row_reach);
          column_ = column0 * window.stride + window.column_offset - (forward ? 0 : column_reach);
          rows_ = (row1 - row0) * window.stride + row_reach + 1;
          width_ = (column1 - column0) * window.stride + column_reach + 1;
          WindowBlock block{};
          block.channel_stride = static_cast<ptrdiff_t>(rows_) * width_;
          block.strip_width = width_;
          block.tap_rows = window.tap_rows;
          block.tap_columns = window.tap_columns;
          block.tap0 = forward ? 0 : static_cast<ptrdiff_t>(row_reach) * width_ + column_reach;
          block.tap_row_step = static_cast<ptrdiff_t>(window.step) * width_;
          block.tap_column_step = window.step;
          block.stride = window.stride;
          block.out_width = window.out_width;
          block.row0 = row0;
          block.column0 = column0;
          block.first_pixel = first_pixel;
          block.columns = columns;
          return block;
      }()),
      data_(size_of(block_, max_channels)) {
    block_.strip = data_.data();
}

const WindowBlock& Strip::load(int first_channel, int channels) {
    const ptrdiff_t plane_size = static_cast<ptrdiff_t>(planes_.height) * planes_.width;
    float* to = data_.data();
    for (int c = first_channel; c < first_channel + channels; ++c) {
        for (int i = 0; i < rows_; ++i, to += width_) {
            copy_row(planes_, planes_.data + c * plane_size, row_ + i, column_, width_, to);
        }
    }
    block_.channels = channels;
    return block_;
}

}  // namespace hpcm
