#include "arrays.h"
#include "bindings.h"
#include "fpenv.h"
#include "rans.h"
#include "trellis.h"

namespace hpcm {
namespace {

// 1 to 65536 rows: TableSet looks at the numbers, this at the arrays.
std::unique_ptr<TableSet> make_tables(const py::object& cdf_, const py::object& starts_, const py::object& lengths_,
                                      const py::object& offsets_) {
    const auto cdf = take<int32_t>(cdf_, "cdf", {kAny});
    const auto starts = take<int32_t>(starts_, "starts", {kAny});
    const auto lengths = take<int32_t>(lengths_, "lengths", {starts.size(0)});
    const auto offsets = take<int32_t>(offsets_, "offsets", {starts.size(0)});
    return std::make_unique<TableSet>(cdf.data(), cdf.count(), starts.data(), lengths.data(), offsets.data(), starts.count());
}

template <typename A, typename B>
void check_pair(const Array<A>& a, const char* name, const Array<B>& rows) {
    if (a.shape() != rows.shape()) throw py::value_error(std::string(name) + " and rows must have the same shape");
}

py::bytes encode(const py::object& symbols_, const py::object& rows_, const TableSet& tables) {
    const auto symbols = take<int32_t>(symbols_, "symbols");
    const auto rows = take<uint16_t>(rows_, "rows");
    check_pair(symbols, "symbols", rows);
    std::vector<uint8_t> stream;
    {
        const py::gil_scoped_release release;
        const FpGuard guard;
        stream = rans_encode(symbols.data(), rows.data(), rows.count(), tables);
    }
    return py::bytes(reinterpret_cast<const char*>(stream.data()), stream.size());
}

std::unique_ptr<RansDecoder> make_decoder(const py::bytes& data, const TableSet& tables) {
    const std::string_view view = data;
    return std::make_unique<RansDecoder>(reinterpret_cast<const uint8_t*>(view.data()), view.size(), tables);
}

py::array_t<int32_t> decode(RansDecoder& decoder, const py::object& rows_) {
    const auto rows = take<uint16_t>(rows_, "rows");
    int32_t* symbols;
    auto out = make<int32_t>(rows.shape(), &symbols);
    const py::gil_scoped_release release;
    decoder.decode(rows.data(), symbols, rows.count());
    return out;
}

py::array_t<float> bits(const py::object& symbols_, const py::object& rows_, const TableSet& tables) {
    const auto symbols = take<int32_t>(symbols_, "symbols");
    const auto rows = take<uint16_t>(rows_, "rows");
    check_pair(symbols, "symbols", rows);
    float* data;
    auto out = make<float>(rows.shape(), &data);
    const py::gil_scoped_release release;
    symbol_bits(symbols.data(), rows.data(), rows.count(), tables, data);
    return out;
}

py::array_t<int32_t> quantise(const py::object& residual_, const py::object& rows_, const TableSet& tables, float strength,
                              float weight) {
    const auto residual = take<float>(residual_, "residual");
    const auto rows = take<uint16_t>(rows_, "rows");
    check_pair(residual, "residual", rows);
    int32_t* symbols;
    auto out = make<int32_t>(rows.shape(), &symbols);
    const py::gil_scoped_release release;
    const FpGuard guard;
    rdo_quantise(residual.data(), rows.data(), rows.count(), tables, strength, weight, symbols);
    return out;
}

Trellis make_trellis(const Array<float>& levels, const TableSet& tables) {
    return Trellis(levels.data(), size_t(levels.size(1)), tables);
}

py::array_t<float> decode_values(RansDecoder& decoder, const py::object& rows_, const py::object& levels_) {
    const auto rows = take<uint16_t>(rows_, "rows");
    const auto levels = take<float>(levels_, "levels", {2, kAny, 4});
    const Trellis trellis = make_trellis(levels, decoder.tables());
    float* values;
    auto out = make<float>(rows.shape(), &values);
    const py::gil_scoped_release release;
    const FpGuard guard;
    decode_trellis(decoder, trellis, rows.data(), values, rows.count());
    return out;
}

py::tuple quantise_by_trellis(const py::object& residual_, const py::object& rows_, const TableSet& tables, const py::object& levels_,
                              float strength, float weight) {
    const auto residual = take<float>(residual_, "residual");
    const auto rows = take<uint16_t>(rows_, "rows");
    const auto levels = take<float>(levels_, "levels", {2, kAny, 4});
    check_pair(residual, "residual", rows);
    const Trellis trellis = make_trellis(levels, tables);
    int32_t* symbols;
    uint16_t* table_rows;
    float* values;
    auto out = make<int32_t>(rows.shape(), &symbols);
    auto out_rows = make<uint16_t>(rows.shape(), &table_rows);
    auto out_values = make<float>(rows.shape(), &values);
    {
        const py::gil_scoped_release release;
        const FpGuard guard;
        trellis_quantise(residual.data(), rows.data(), rows.count(), trellis, strength, weight, symbols, table_rows, values);
    }
    return py::make_tuple(out, out_rows, out_values);
}

}  // namespace

void bind_entropy(py::module_& module) {
    py::register_exception<StreamTruncated>(module, "StreamTruncated", PyExc_ValueError);
    py::register_exception<StreamCorrupt>(module, "StreamCorrupt", PyExc_ValueError);
    py::register_exception<StreamNewer>(module, "StreamNewer", PyExc_ValueError);
    py::class_<TableSet>(module, "TableSet")
        .def(py::init(&make_tables), py::arg("cdf"), py::arg("starts"), py::arg("lengths"), py::arg("offsets"))
        .def("__len__", &TableSet::size);
    py::class_<RansDecoder>(module, "RansDecoder")
        .def(py::init(&make_decoder), py::arg("data"), py::arg("tables"), py::keep_alive<1, 3>())
        .def("decode", &decode, py::arg("rows"))
        .def("decode_trellis", &decode_values, py::arg("rows"), py::arg("levels"))
        .def("finish", &RansDecoder::finish);
    module.def("rans_encode", &encode, py::arg("symbols"), py::arg("rows"), py::arg("tables"));
    module.def("symbol_bits", &bits, py::arg("symbols"), py::arg("rows"), py::arg("tables"));
    module.def("rdo_quantise", &quantise, py::arg("residual"), py::arg("rows"), py::arg("tables"), py::arg("strength"),
               py::arg("distortion_weight"));
    module.def("trellis_quantise", &quantise_by_trellis, py::arg("residual"), py::arg("rows"), py::arg("tables"), py::arg("levels"),
               py::arg("strength"), py::arg("distortion_weight"));
}

}  // namespace hpcm
