#include "fusion.h"

namespace hpcm {
namespace {

constexpr size_t kLayout = 3;  // operand of code

size_t at(int value) { return static_cast<size_t>(value); }

}  // namespace

Fusion::Fusion(const Entry& entry, const std::vector<Shape>& shapes, const std::vector<int>& wanted, bool layout, bool adds) {
    mark(entry, wanted, layout);
    step_of_.assign(needed.size(), -1);
    for (int value = 0; value < entry.values(); ++value) {
        places.push_back({value});
        const Node* node = entry.node(value);
        if (node == nullptr || !needed[at(value)]) continue;
        if (!node->codes()) {
            const auto first = node->operation->first_channel();
            const int from = node->operands.empty() ? -1 : node->operands[0].value;
            if (first && from >= 0) {
                places.back() = {places[at(from)].root, places[at(from)].channel + *first};
                continue;
            }
            if (joins(entry, shapes, value, adds)) continue;
        }
        step_of_[at(value)] = static_cast<int>(steps.size());
        steps.push_back({value});
    }
}

void Fusion::mark(const Entry& entry, const std::vector<int>& wanted, bool layout) {
    needed.assign(at(entry.values()), false);
    uses_.assign(needed.size(), 0);
    for (const int value : wanted) {
        needed[at(value)] = true;
        uses_[at(value)] += 2;  // it has to be there as it is
    }
    for (int value = entry.values() - 1; value >= 0; --value) {
        const Node* node = entry.node(value);
        if (node == nullptr || !needed[at(value)]) continue;
        for (size_t k = 0; k < node->operands.size(); ++k) {
            const int operand = node->operands[k].value;
            if (operand < 0 || (node->codes() && k == kLayout && !layout)) continue;
            needed[at(operand)] = true;
            ++uses_[at(operand)];
        }
    }
}

int Fusion::ridden(int value) const {
    return value >= 0 && uses_[at(value)] == 1 && places[at(value)].channel == 0 ? step_of_[at(value)] : -1;
}

// A leaky_relu or an addition that becomes part of the convolution before it.
bool Fusion::joins(const Entry& entry, const std::vector<Shape>& shapes, int value, bool adds) {
    const Node& node = *entry.node(value);
    const auto slope = node.operation->leaky_slope();
    if (!slope && !(adds && node.operation->adds())) return false;
    for (size_t k = 0; k < node.operands.size(); ++k) {
        const int own = node.operands[k].value, number = ridden(own);
        if (number < 0 || shapes[at(own)] != shapes[at(value)]) continue;
        Step& step = steps[at(number)];
        const Node& before = *entry.node(step.value);
        if (before.codes() || !before.operation->continues() || step.residual >= 0) continue;
        if (slope) {
            if (step.leaky) continue;
            step.leaky = true;
            step.slope = *slope;
        } else {
            const int other = node.operands[1 - k].value;  // has to be there before the convolution runs
            if (other < 0 || other == own || shapes[at(other)] != shapes[at(value)] || places[at(other)].root >= step.value) continue;
            step.residual = other;
        }
        places[at(value)] = {step.value};
        step_of_[at(value)] = number;
        return true;
    }
    return false;
}

std::vector<int> Fusion::reads(const Entry& entry, const Step& step) const {
    std::vector<int> values;
    for (const Source& source : entry.node(step.value)->operands) {
        values.push_back(source.value >= 0 && needed[at(source.value)] ? source.value : -1);
    }
    values.push_back(step.residual);
    return values;
}

}  // namespace hpcm
