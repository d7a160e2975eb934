#include "model/expression/graph.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace gmdiff::expressions {

NodeId Graph::constant(long double value) {
  const int next = static_cast<int>(constants_.size());
  // NaN has no place in an ordered map.
  const int index = std::isnan(value) ? next : known_constants_.try_emplace(value, next).first->second;
  if (index == next) constants_.push_back(value);
  return load(Primitive::constant, index);
}

const long double* Graph::constant_at(NodeId id) const {
  if (!is(id, Primitive::constant)) return nullptr;
  return &constants_[static_cast<std::size_t>(node(id).a)];
}

bool Graph::is_constant(NodeId id, long double value) const {
  const long double* const found = constant_at(id);
  return found != nullptr && *found == value;
}

bool Graph::are_constants(NodeId a, NodeId b) const {
  return is(a, Primitive::constant) && is(b, Primitive::constant);
}

NodeId Graph::operation(Primitive primitive, NodeId a, NodeId b) { return find_or_append(primitive, a, b); }

NodeId Graph::commutative(Primitive primitive, NodeId a, NodeId b) {
  return operation(primitive, std::min(a, b), std::max(a, b));
}

NodeId Graph::find_or_append(Primitive primitive, int a, int b) {
  const auto [found, is_new] = known_.try_emplace({primitive, a, b}, size());
  if (!is_new) return found->second;
  const int operands = arity(primitive);
  const bool depends = primitive == Primitive::position || (operands > 0 && node(a).depends_on_position) ||
                       (operands > 1 && node(b).depends_on_position);
  nodes_.push_back({primitive, a, b, depends});
  operations_ += operands > 0 ? 1 : 0;
  return found->second;
}

}  // namespace gmdiff::expressions
