// The bytes of a whole file. Models are megabytes, which result_memory.h has in few pages: thousands of page faults took a
// tenth of a small picture's decoding.
#pragma once

#include <cstddef>

#include "bytes.h"
#include "result_memory.h"

namespace hpcm {

class FileBytes {
public:
    FileBytes() = default;
    // All of a file or pipe. Fails with `input` where that cannot be read.
    static FileBytes read(const char* path);
    bool empty() const { return size_ == 0; }
    Bytes bytes() const { return {memory_ ? static_cast<const uint8_t*>(memory_->data()) : nullptr, size_}; }

private:
    HeldMemory memory_;
    size_t size_ = 0;
};

}  // namespace hpcm
