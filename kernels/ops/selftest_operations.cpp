// Every operation of programs once or twice, through the interface that executors use.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "attributes.h"
#include "selftest.h"

namespace hpcm {
namespace {

using Dims = std::vector<int64_t>;

// dims: of three numbers a map, of none an operand that is absent, otherwise a parameter. The grid has 4 x 6 positions.
struct Case {
    const char *name, *attributes;
    std::vector<Dims> operands;
};

// 1008981770: the bits of 0.01; 925353388: of 1e-5; 1050253722: of 0.3; 1039516303: of 0.12.
std::vector<Case> all_cases() {
    const Dims map{6, 13, 21}, even{8, 12, 20}, vector{6, 1, 1}, none{};
    const auto block = [&](const Dims& spatial, int64_t own) {
        std::vector<Dims> operands{map, spatial, {own}};
        operands.insert(operands.end(), {{14, 6, 1, 1}, {14}, {6, 14, 1, 1}, {6}});
        return operands;
    };
    return {
        {"absolute", "[]", {map}},
        {"add", "[]", {map, map}},
        {"add", "[]", {vector, map}},
        {"attend_summary", "[2]", {map, {6, 1, 5}}},
        {"blend_rows", "[]", {{5, 1, 1}, {5, 37}}},
        {"cell_rms", "[1039516303]", {map}},
        {"cell_sum", "[4]", {even}},
        {"concat", "[]", {map, {3, 13, 21}}},
        {"concat_columns", "[]", {map, {6, 13, 5}}},
        {"conv2d", "[1,0]", {map, {9, 6, 1, 1}, {9}}},
        {"conv2d", "[2,1]", {map, {9, 6, 3, 3}, none}},
        {"conv_transpose2d", "[2,1]", {map, {6, 5, 4, 4}, {5}}},
        {"crop", "[[1,4],[2,1],[2,1],[1,2]]", {{3, 9, 15}}},
        {"depthwise", "[2]", {map, {6, 1, 5, 5}, {6}}},
        {"divide", "[]", {map, vector}},
        {"double", "[]", {map}},
        {"dwconv_rb", "[]", block({6, 1, 3, 3}, 6)},
        {"exp", "[]", {map}},
        {"extend", "[[4,1],[4,1]]", {map}},
        {"fill", "[3,[2,1],[1,1],1050253722]", {}},
        {"fma", "[]", {map, vector, vector}},
        {"fma", "[]", {vector, map, map}},
        {"grouped", "[]", {map, {6, 3, 3, 3}, {6}}},
        {"haar", "[]", {map}},
        {"inverse_haar", "[]", {even}},
        {"join_summaries", "[]", {{6, 1, 5}, {6, 1, 5}}},
        {"label_mask", "[6,2,[2,2],[0,1,2,0,1,1,0,2],2,[1,1],[1,-2],[2,1],[2,1]]", {}},
        {"lapped_filter", "[]", {{2, 48, 32}, {16, 16}}},
        {"layer_norm", "[925353388]", {map, {6}, {6}}},
        {"leaky_relu", "[1008981770]", {map}},
        {"maximum", "[]", {map, {6, 13, 1}}},
        {"multiply", "[]", {map, {1, 13, 21}}},
        {"pad", "[[4,1],[4,1]]", {map}},
        {"pconv_rb", "[]", block({4, 4, 3, 3}, 4)},
        {"pixel_shuffle", "[2]", {even}},
        {"pixel_unshuffle", "[4]", {even}},
        {"place", "[6,2,[2,2],[0,1,2,0,1,1,0,2],1,[[[1,1],[1,1]]],0,[2,1],[2,1]]", {{54, 1, 1}}},
        {"pooled", "[]", {map}},
        {"recall", "[3,2,1050253722]", {map, map, map, map, {5, 13, 21}, {5, 13, 21}, {5, 13, 21}}},
        {"regroup", "[2,[2,1],[3],[[1,3]],[[0,2,0,1],null,[0,0,0,2],[0,1,0,0]]]", {map}},
        {"select", "[6,2,[2,2],[0,1,2,0,1,1,0,2],1,[[[1,1],[1,1]]]]", {map}},
        {"sigmoid", "[]", {map}},
        {"signed_log_feature", "[]", {map, vector}},
        {"slice", "[2,3]", {map}},
        {"step_sizes", "[]", {map}},
        {"subtract", "[]", {map, {6, 1, 21}}},
        {"sum_channels", "[]", {map}},
        {"summarise", "[2]", {map, map}},
        {"unit", "[]", {map}},
        {"window_attention", "[8,3]", {map, map, map}},
        {"wkv", "[8,0]", {map, map, vector, vector}},
    };
}

}  // namespace

void selftest_operations(const SelfTestReport& report) {
    for (const Case& c : all_cases()) {
        const Json json = Json::parse(c.attributes);
        Attributes attributes(json.items(), 0, c.name);
        const std::unique_ptr<Operation> operation = make_operation(c.name, attributes);
        std::vector<std::vector<float>> held;
        held.reserve(c.operands.size());
        Operands operands;
        for (const Dims& dims : c.operands) {
            operands.emplace_back();
            if (dims.empty()) continue;
            int64_t count = 1;
            for (const int64_t dim : dims) count *= dim;
            held.push_back(selftest_numbers(static_cast<size_t>(count), 60 + static_cast<uint32_t>(held.size()), 2.0f));
            if (dims.size() == 3) {
                operands.back() = Operand::map(held.back().data(), {dims[0], dims[1], dims[2]});
                continue;
            }
            operands.back() = Operand::map(held.back().data(), {count, 1, 1});
            operands.back().rank = static_cast<int>(dims.size());
            std::copy(dims.begin(), dims.end(), operands.back().dims.begin());
        }
        const Grid grid{4, 6};
        const Shape shape = operation->shape(operands, grid);
        std::vector<float> out(static_cast<size_t>(shape.count()));
        operation->run({operands, grid, out.data(), shape, static_cast<ptrdiff_t>(shape.pixels())});
        report("op_" + std::string(c.name), out.data(), out.size() * sizeof(float));
    }
}

}  // namespace hpcm
