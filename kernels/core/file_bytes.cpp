#include "file_bytes.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "status.h"

namespace hpcm {
namespace {

constexpr long kLeast = 1 << 16, kMost = 1 << 28;  // of room before anything is read: what says that it is larger may lie

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

// Room for what a file says of its size, and one more, so that the end is seen. A pipe has none, a folder says anything.
size_t room_for(std::FILE* file) {
    const bool seeks = std::fseek(file, 0, SEEK_END) == 0;
    const long size = seeks ? std::ftell(file) : 0;
    if (seeks) std::rewind(file);
    std::clearerr(file);
    return size_t(std::min(std::max(size, kLeast), kMost)) + 1;
}

}  // namespace

FileBytes FileBytes::read(const char* path) {
    const auto unreadable = [&] { fail(Status::input, std::string(path) + ": it cannot be read"); };
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path, "rb"));
    if (!file) unreadable();
    std::setvbuf(file.get(), nullptr, _IONBF, 0);  // straight to where it belongs
    FileBytes made;
    size_t room = room_for(file.get());
    made.memory_.reset(ResultMemory::take(room));
    for (;;) {
        uint8_t* const data = static_cast<uint8_t*>(made.memory_->data());
        made.size_ += std::fread(data + made.size_, 1, room - made.size_, file.get());
        if (made.size_ < room) break;
        HeldMemory larger(ResultMemory::take(2 * room));
        std::memcpy(larger->data(), data, made.size_);
        made.memory_ = std::move(larger);
        room *= 2;
    }
    if (std::ferror(file.get()) != 0) unreadable();
    return made;
}

}  // namespace hpcm
