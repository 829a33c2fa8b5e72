// What can go wrong, by the numbers that programs exit with and that hpcm.h returns. Errors are exceptions inside the core; all
// are caught where its C++ ends.
#pragma once

#include <stdexcept>
#include <string>

namespace hpcm {

enum class Status {
    ok = 0,
    usage = 2,
    input = 3,
    not_hpc = 10,
    truncated = 11,
    corrupt = 12,
    unsupported = 13,
    missing_model = 14,
    model_file = 15,
    limit = 16,
    arithmetic = 17,
    failed = 70,
    cancelled = 130,
};

class Error : public std::runtime_error {
public:
    Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
    Status status() const { return status_; }

private:
    Status status_;
};

[[noreturn]] inline void fail(Status status, const std::string& message) { throw Error(status, message); }

// A model file, its manifest or a program in it breaks a rule.
struct ModelCorrupt : Error {
    explicit ModelCorrupt(const std::string& message) : Error(Status::model_file, message) {}
};

// Something sound would take more memory or work than is allowed.
struct LimitExceeded : Error {
    explicit LimitExceeded(const std::string& message) : Error(Status::limit, message) {}
};

// The caller asked to stop.
struct Cancelled : Error {
    Cancelled() : Error(Status::cancelled, "cancelled") {}
};

}  // namespace hpcm
