#include "strip.h"

#include <algorithm>

namespace hpcm {
namespace {

size_t size_of(const WindowBlock& block, int max_channels) {
    return static_cast<size_t>(block.channel_stride) * static_cast<size_t>(max_channels);
}

}  // namespace

Strip::Strip(const WindowOps& windows, const Planes& planes, const Window& window, int first_pixel, int columns,
             int max_channels)
    : windows_(windows), planes_(planes), cut_{}, block_([&] {
          const int row0 = first_pixel / window.out_width, row1 = (first_pixel + columns - 1) / window.out_width;
          const bool one_row = row0 == row1;
          const int column0 = one_row ? first_pixel % window.out_width : 0;
          const int column1 = one_row ? (first_pixel + columns - 1) % window.out_width : window.out_width - 1;
          const int row_reach = window.tap_rows - 1, column_reach = window.tap_columns - 1;
          const bool forward = window.step > 0;
          const int rows = (row1 - row0) * window.stride + row_reach + 1;
          const int width = (column1 - column0) * window.stride + column_reach + 1;
          const int row = row0 * window.stride + window.row_offset - (forward ? 0 : row_reach);
          const int column = column0 * window.stride + window.column_offset - (forward ? 0 : column_reach);
          const int begin = std::clamp(-column, 0, width), end = std::clamp(planes.width - column, begin, width);
          cut_ = {planes.height, planes.width, row, column, rows, width, begin, end};
          WindowBlock block{};
          block.channel_stride = static_cast<ptrdiff_t>(rows) * width;
          block.strip_width = width;
          block.tap_rows = window.tap_rows;
          block.tap_columns = window.tap_columns;
          block.tap0 = forward ? 0 : static_cast<ptrdiff_t>(row_reach) * width + column_reach;
          block.tap_row_step = static_cast<ptrdiff_t>(window.step) * width;
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
    float* to = data_.data();
    for (int c = first_channel; c < first_channel + channels; ++c, to += block_.channel_stride) {
        windows_.cut(cut_, planes_.data + c * planes_.plane, to);
    }
    block_.channels = channels;
    return block_;
}

}  // namespace hpcm
