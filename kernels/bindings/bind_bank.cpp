#include <algorithm>

#include "arrays.h"
#include "bank.h"
#include "bindings.h"

namespace hpcm {
namespace {

size_t pixels_of(const Array<float>& x) { return static_cast<size_t>(x.size(1)) * x.size(2); }

py::array_t<float> unit_checked(const py::object& x_) {
    const auto x = take<float>(x_, "x", {kAny, kAny, kAny});
    float* data;
    auto out = make<float>(x.shape(), &data);
    const py::gil_scoped_release release;
    unit(x.data(), x.size(0), pixels_of(x), data);
    return out;
}

py::array_t<float> recall_checked(const py::object& q_, const py::list& keys_, const py::list& values_, int topk,
                                  float temperature) {
    const int entries = static_cast<int>(keys_.size());
    if (entries < 1 || entries > kMostEntries || keys_.size() != values_.size()) {
        throw py::value_error("keys and values must be lists of the same length, 1 to 8");
    }
    if (topk < 1) throw py::value_error("topk must be at least 1");
    if (!(temperature > 0.0f)) throw py::value_error("temperature must be positive");
    const auto q = take<float>(q_, "q", {kAny, kAny, kAny});
    const auto first = take<float>(values_[0], "values", {kAny, kAny, kAny});
    const size_t pixels = pixels_of(first);
    const bool shared = q.size(1) == 1 && q.size(2) == 1;
    if (!shared && (q.size(1) != first.size(1) || q.size(2) != first.size(2))) {
        throw py::value_error("q must be of the values' positions, or of one");
    }
    std::vector<Array<float>> held;
    const float *keys[kMostEntries], *values[kMostEntries];
    for (int e = 0; e < entries; ++e) {
        held.push_back(take<float>(keys_[e], "keys", {q.size(0), q.size(1), q.size(2)}));
        keys[e] = held.back().data();
        held.push_back(take<float>(values_[e], "values", {first.size(0), first.size(1), first.size(2)}));
        values[e] = held.back().data();
    }
    float* data;
    auto out = make<float>(first.shape(), &data);
    const py::gil_scoped_release release;
    recall({q.data(), keys, values, data, entries, std::min(topk, entries), q.size(0), first.size(0), pixels, pixels, shared,
            temperature});
    return out;
}

py::tuple summarise_checked(const py::object& k_, const py::object& v_, int heads) {
    const auto k = take<float>(k_, "k", {kAny, kAny, kAny});
    const auto v = take<float>(v_, "v", {k.size(0), k.size(1), k.size(2)});
    const int channels = k.size(0);
    if (heads < 1 || channels % heads || channels / heads > kMostHeadChannels) {
        throw py::value_error("heads must divide the channels into 64 or fewer each");
    }
    float *peak, *mass, *sums;
    auto peak_ = make<float>({channels}, &peak), mass_ = make<float>({channels}, &mass),
         sums_ = make<float>({channels, channels / heads}, &sums);
    {
        const py::gil_scoped_release release;
        summarise(k.data(), v.data(), channels, pixels_of(k), heads, peak, mass, sums);
    }
    return py::make_tuple(peak_, mass_, sums_);
}

py::tuple join_checked(const py::object& peak1_, const py::object& mass1_, const py::object& sums1_, const py::object& peak2_,
                       const py::object& mass2_, const py::object& sums2_) {
    const auto peak1 = take<float>(peak1_, "peak1", {kAny});
    const py::ssize_t channels = peak1.size(0);
    const auto mass1 = take<float>(mass1_, "mass1", {channels});
    const auto sums1 = take<float>(sums1_, "sums1", {channels, kAny});
    const py::ssize_t width = sums1.size(1);
    const auto peak2 = take<float>(peak2_, "peak2", {channels});
    const auto mass2 = take<float>(mass2_, "mass2", {channels});
    const auto sums2 = take<float>(sums2_, "sums2", {channels, width});
    float *peak, *mass, *sums;
    auto peak_ = make<float>({channels}, &peak), mass_ = make<float>({channels}, &mass),
         sums_ = make<float>({channels, width}, &sums);
    std::copy_n(peak1.data(), peak1.count(), peak);
    std::copy_n(mass1.data(), mass1.count(), mass);
    std::copy_n(sums1.data(), sums1.count(), sums);
    join_summaries(peak, mass, sums, peak2.data(), mass2.data(), sums2.data(), static_cast<int>(channels),
                   static_cast<int>(width));
    return py::make_tuple(peak_, mass_, sums_);
}

}  // namespace

void bind_bank(py::module_& module) {
    module.def("unit", &unit_checked, py::arg("x"));
    module.def("recall", &recall_checked, py::arg("q"), py::arg("keys"), py::arg("values"), py::arg("topk"),
               py::arg("temperature"));
    module.def("summarise", &summarise_checked, py::arg("k"), py::arg("v"), py::arg("heads"));
    module.def("join_summaries", &join_checked, py::arg("peak1"), py::arg("mass1"), py::arg("sums1"), py::arg("peak2"),
               py::arg("mass2"), py::arg("sums2"));
}

}  // namespace hpcm
