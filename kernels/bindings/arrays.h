// Checks on arrays that come from Python. Every failure is a ValueError that names the argument.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <climits>
#include <initializer_list>
#include <string>
#include <vector>

#include "result_memory.h"

namespace hpcm {

namespace py = pybind11;

constexpr py::ssize_t kAny = -1;  // a dimension of any size >= 1

// A checked array: C-contiguous, aligned, of the right type. Keeps the Python object alive; data() needs no GIL.
template <typename T>
class Array {
public:
    Array() = default;
    explicit Array(py::array array)
        : array_(std::move(array)), data_(static_cast<const T*>(array_.data())),
          shape_(array_.shape(), array_.shape() + array_.ndim()) {}

    const T* data() const { return data_; }  // null if the argument was None
    int size(size_t axis) const { return static_cast<int>(shape_[axis]); }
    const std::vector<py::ssize_t>& shape() const { return shape_; }
    size_t count() const {
        size_t n = 1;
        for (const py::ssize_t extent : shape_) n *= static_cast<size_t>(extent);
        return n;
    }

private:
    py::array array_;
    const T* data_ = nullptr;
    std::vector<py::ssize_t> shape_;
};

template <typename T>
[[noreturn]] void refuse(const char* name, const std::string& problem) {
    throw py::value_error(std::string(name) + " must be a C-contiguous " +
                          std::string(py::str(py::dtype::of<T>())) + " array" + problem);
}

// Any number of dimensions, any sizes (also zero).
template <typename T>
Array<T> take(const py::object& object, const char* name) {
    if (!py::isinstance<py::array_t<T, py::array::c_style>>(object)) refuse<T>(name, "");
    py::array array = py::reinterpret_borrow<py::array>(object);
    if (reinterpret_cast<uintptr_t>(array.data()) % alignof(T) != 0) refuse<T>(name, " with aligned memory");
    return Array<T>(std::move(array));
}

// The stated shape; kAny matches every size from 1 to 2^31 - 1.
template <typename T>
Array<T> take(const py::object& object, const char* name, std::initializer_list<py::ssize_t> shape) {
    Array<T> array = take<T>(object, name);
    std::string wanted;
    bool good = array.shape().size() == shape.size();
    size_t axis = 0;
    for (const py::ssize_t extent : shape) {
        wanted += (wanted.empty() ? "" : ", ") + (extent == kAny ? std::string("any") : std::to_string(extent));
        if (good) {
            const py::ssize_t actual = array.shape()[axis++];
            good = extent == kAny ? actual >= 1 && actual <= INT_MAX : actual == extent;
        }
    }
    if (!good) {
        refuse<T>(name, " of shape (" + wanted + "), not " +
                            std::string(py::str(py::reinterpret_borrow<py::object>(object).attr("shape"))));
    }
    return array;
}

// The same, or None: data() is then null.
template <typename T>
Array<T> take_optional(const py::object& object, const char* name, std::initializer_list<py::ssize_t> shape) {
    return object.is_none() ? Array<T>() : take<T>(object, name, shape);
}

// A new array, its writable memory in *data. The memory comes from result_memory.h, not from numpy.
template <typename T>
py::array_t<T> make(std::vector<py::ssize_t> shape, T** data) {
    size_t count = 1;
    for (const py::ssize_t extent : shape) count *= static_cast<size_t>(extent);
    ResultMemory* memory = ResultMemory::take(count * sizeof(T));
    const py::capsule owner(memory, [](void* held) { static_cast<ResultMemory*>(held)->give_back(); });
    *data = static_cast<T*>(memory->data());
    return py::array_t<T>(std::move(shape), *data, owner);
}

}  // namespace hpcm
