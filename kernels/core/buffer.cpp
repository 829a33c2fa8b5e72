#include "buffer.h"

#include <new>
#include <vector>

namespace hpcm {
namespace {

constexpr std::align_val_t kAlign{64};

class Stack {
public:
    ~Stack() {
        for (const Block& block : blocks_) ::operator delete(block.data, kAlign);
    }

    float* push(size_t floats) {
        if (used_ == blocks_.size()) blocks_.push_back({nullptr, 0});
        Block& block = blocks_[used_];
        if (block.floats < floats) {
            ::operator delete(block.data, kAlign);
            block = {nullptr, 0};
            block = {static_cast<float*>(::operator new(floats * sizeof(float), kAlign)), floats};
        }
        ++used_;
        return block.data;
    }

    void pop() { --used_; }

private:
    struct Block {
        float* data;
        size_t floats;
    };
    std::vector<Block> blocks_;
    size_t used_ = 0;
};

thread_local Stack g_stack;

}  // namespace

Buffer::Buffer(size_t floats) : data_(g_stack.push(floats)) {}
Buffer::~Buffer() { g_stack.pop(); }

}  // namespace hpcm
