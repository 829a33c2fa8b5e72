// Scratch memory aligned to cache lines, not initialised.
#pragma once

#include <cstddef>
#include <new>

namespace hpcm {

class Buffer {
public:
    explicit Buffer(size_t floats) : data_(static_cast<float*>(::operator new(floats * sizeof(float), kAlign))) {}
    ~Buffer() { ::operator delete(data_, kAlign); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    float* data() { return data_; }

private:
    static constexpr std::align_val_t kAlign{64};
    float* data_;
};

}  // namespace hpcm
