// What every operation of a program says of itself: shapes, reach, work, definition, kernel. One file op_<name>.cpp each.
//
// An Operation holds the attributes of one node, parsed and bounded. Operands come as maps (channels, rows, columns) of
// float32, planar; a parameter of the model in the place of a map is the map (number of elements, 1, 1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hpcm {

struct Shape {
    int64_t channels = 0, rows = 0, columns = 0;

    int64_t pixels() const { return rows * columns; }
    int64_t count() const { return channels * rows * columns; }
    bool operator==(const Shape& o) const { return channels == o.channels && rows == o.rows && columns == o.columns; }
    bool operator!=(const Shape& o) const { return !(*this == o); }
};

// Rows and columns of the latent grid that an entry runs on.
struct Grid {
    int64_t rows = 1, columns = 1;
};

// mul * ceil(n / div), or mul * floor(n / -div) where div is negative; mul alone where div is 0.
struct Size {
    int64_t mul = 1, div = 0;

    int64_t at(int64_t n) const { return div == 0 ? mul : div > 0 ? mul * ((n + div - 1) / div) : mul * (n / -div); }
};

struct Operand {
    const float* data = nullptr;  // null where only shapes are known
    Shape shape;
    ptrdiff_t plane = 0;          // distance of planes; rows follow one another
    int rank = 0;                 // 0: absent; 3: a map; otherwise that of a parameter
    std::array<int64_t, 4> dims{};

    bool absent() const { return rank == 0; }
    static Operand map(const float* data, const Shape& shape) {
        return {data, shape, static_cast<ptrdiff_t>(shape.pixels()), 3, {shape.channels, shape.rows, shape.columns, 1}};
    }
};

using Operands = std::vector<Operand>;

// One execution. The operands may be pieces of whole maps: `row` says which of the rows that they give is the first that is
// wanted, and only operations with `gives_rows` are asked for others than all.
struct Call {
    const Operands& operands;
    Grid grid;
    float* out;
    Shape shape;  // of what is wanted
    ptrdiff_t plane;
    int64_t row = 0;
    // Only for operations with `continues`: v > 0 ? v : v * slope, then residual + v.
    bool leaky = false;
    float slope = 0.0f;
    const float* residual = nullptr;
    ptrdiff_t residual_plane = 0;

    const Operand& operator[](size_t i) const { return operands[i]; }
};

// Which rows (and columns) of the operands a range of results needs: `take` inputs make `give` results, which need `before`
// inputs more above their unit and `after` below it. Units begin `shift` above the multiples of `take`; a piece of an input
// has to begin at a multiple of `take`.
struct Reach {
    int64_t take = 1, give = 1, before = 0, after = 0, shift = 0;
};

class Operation {
public:
    virtual ~Operation() = default;

    // Of the result. Throws ModelCorrupt where the operands do not fit. Their data may be null.
    virtual Shape shape(const Operands& operands, const Grid& grid) const = 0;

    // Nothing for operations that need whole maps. `maps`: how many of the operands, the first ones, it is about; the others
    // are needed whole.
    virtual std::optional<Reach> reach(const Operands&) const { return std::nullopt; }
    virtual size_t maps(const Operands& operands) const { return operands.size(); }

    // Multiply-adds or the like, and floats of memory besides operands and result (`threads` share the work).
    virtual double work(const Operands&, const Shape& out) const { return static_cast<double>(out.count()); }
    virtual double scratch(const Operands&, const Shape&, int /*threads*/) const { return 0.0; }

    virtual bool in_place() const { return false; }    // the result may overwrite an operand of its shape
    virtual bool strided() const { return false; }     // planes of operands and result may lie further apart than they are large
    virtual bool gives_rows() const { return false; }  // see Call::row
    virtual bool continues() const { return false; }   // see Call::leaky

    virtual std::optional<int64_t> first_channel() const { return std::nullopt; }  // for slice: its result is part of operand 0
    virtual std::optional<float> leaky_slope() const { return std::nullopt; }  // for leaky_relu
    virtual bool adds() const { return false; }                                // for add

    virtual void run(const Call& call) const = 0;

    // The same by plain loops, for dense operands and results as wholes: the definition.
    virtual void define(const Call& call) const = 0;
};

// From the attributes of a node (attributes.h). Throws ModelCorrupt.
class Attributes;
std::unique_ptr<Operation> make_operation(const std::string& name, Attributes& attributes);

// All names, sorted.
std::vector<std::string> operation_names();

}  // namespace hpcm
