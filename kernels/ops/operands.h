// What the files of operations share: checks of operands, and loops over planes on all threads.
#pragma once

#include <algorithm>
#include <string>

#include "attributes.h"
#include "status.h"
#include "operation.h"
#include "strip.h"
#include "thread_pool.h"

// make_<name>, which operations.h lists.
#define HPCM_OPERATION(name, Class) \
    std::unique_ptr<Operation> make_##name(Attributes& attributes) { return std::make_unique<Class>(attributes); }

namespace hpcm {

constexpr size_t kGrain = 32 * 1024;  // elements worth waking a thread for
constexpr int64_t kMostKernel = 16, kMostFactor = 64;

inline void require(bool good, const char* problem) {
    if (!good) throw ModelCorrupt(problem);
}

// The number of operands must be this one, and all must be there but those from `optional` on.
inline void expect(const Operands& x, size_t count, size_t optional = ~size_t{0}) {
    require(x.size() == count, "an operation has a wrong number of operands");
    for (size_t i = 0; i < count; ++i) require(i >= optional || !x[i].absent(), "an operand is missing");
}

// A parameter with these dimensions; a negative one is any.
inline const Operand& tensor(const Operand& x, std::initializer_list<int64_t> dims) {
    require(x.rank == static_cast<int>(dims.size()), "a parameter has a wrong number of dimensions");
    size_t i = 0;
    for (const int64_t dim : dims) {
        require(dim < 0 || x.dims[i] == dim, "a parameter has a wrong shape");
        ++i;
    }
    return x;
}

// A vector of so many elements, a value or a parameter; absent is fine where it is optional.
inline void vector_of(const Operand& x, int64_t count, bool optional = false) {
    if (optional && x.absent()) return;
    require(!x.absent() && x.shape == Shape{count, 1, 1}, "a vector has a wrong length");
}

// A square kernel, its side.
inline int64_t kernel_side(const Operand& w) {
    require(w.rank == 4 && w.dims[2] == w.dims[3] && w.dims[2] <= kMostKernel, "a kernel must be square, up to 16 x 16");
    return w.dims[2];
}

inline Planes planes(const Operand& x) {
    return {x.data, static_cast<int>(x.shape.channels), static_cast<int>(x.shape.rows), static_cast<int>(x.shape.columns), x.plane};
}

// Calls body(channel, begin, end) on all threads for ranges of elements that cover the planes.
template <typename Body>
void for_planes(int64_t channels, int64_t pixels, Body body) {
    if (pixels == 0) return;
    const size_t size = static_cast<size_t>(pixels), parts = (size + kGrain - 1) / kGrain;
    parallel_for(static_cast<size_t>(channels) * parts, std::max<size_t>(1, kGrain / size), [&](size_t begin, size_t end) {
        for (size_t task = begin; task < end; ++task) {
            const size_t from = task % parts * kGrain;
            body(static_cast<ptrdiff_t>(task / parts), from, std::min(size, from + kGrain));
        }
    });
}

// Calls body(channel, row) on all threads.
template <typename Body>
void for_rows(const Shape& shape, Body body) {
    const size_t rows = static_cast<size_t>(shape.rows), columns = static_cast<size_t>(std::max<int64_t>(1, shape.columns));
    parallel_for(static_cast<size_t>(shape.channels) * rows, std::max<size_t>(1, kGrain / columns), [&](size_t begin, size_t end) {
        for (size_t task = begin; task < end; ++task) body(static_cast<ptrdiff_t>(task / rows), static_cast<ptrdiff_t>(task % rows));
    });
}

// An elementwise function of one map: kernel(x, count, out).
template <typename Kernel>
void map_planes(const Call& call, Kernel kernel) {
    const Operand& x = call[0];
    const int64_t pixels = call.shape.pixels();
    const bool dense = (x.plane == pixels && call.plane == pixels) || call.shape.channels == 1;
    for_planes(dense ? 1 : call.shape.channels, dense ? call.shape.count() : pixels, [&](ptrdiff_t c, size_t begin, size_t end) {
        kernel(x.data + c * x.plane + begin, end - begin, call.out + c * call.plane + begin);
    });
}

// Rows of one map to another of the same shape.
inline void copy_planes(const float* from, ptrdiff_t from_plane, float* to, ptrdiff_t to_plane, int64_t channels, int64_t pixels) {
    for_planes(channels, pixels, [&](ptrdiff_t c, size_t begin, size_t end) {
        std::copy(from + c * from_plane + begin, from + c * from_plane + end, to + c * to_plane + begin);
    });
}

}  // namespace hpcm
