// Scratch memory aligned to cache lines, not initialised.
//
// Freed memory stays with its thread for the next buffer: fetching fresh pages from the system for each of the many short
// tasks of a decoder would cost more than some of the tasks. Buffers of one thread are destroyed in reverse order.
#pragma once

#include <cstddef>

namespace hpcm {

class Buffer {
public:
    explicit Buffer(size_t floats);
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    float* data() { return data_; }

private:
    float* data_;
};

}  // namespace hpcm
