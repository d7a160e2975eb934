#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "model/expression/primitive.hpp"

namespace gmdiff::expressions {

/// Index of a node in its graph. Operands have smaller indices than the operations on them.
using NodeId = int;
inline constexpr NodeId no_node = -1;

/// One operation. For a load, a is an index; unused operands are 0.
struct Node {
  Primitive primitive;
  int a, b;
  bool depends_on_position;

  NodeId operand(int i) const { return i == 0 ? a : b; }
};

/// Expressions that share their common parts: a member that builds an operation returns an existing node for
/// equal operands. Operations on constants are folded in extended precision. Other simplifications are exact
/// for finite numbers, up to the sign of zero, so they change no result.
class Graph {
 public:
  NodeId constant(long double value);
  NodeId position(int coordinate) { return load(Primitive::position, coordinate); }
  NodeId direction(int coordinate) { return load(Primitive::direction, coordinate); }
  NodeId time() { return load(Primitive::time, 0); }

  NodeId add(NodeId a, NodeId b);
  NodeId subtract(NodeId a, NodeId b);
  NodeId multiply(NodeId a, NodeId b);
  NodeId divide(NodeId a, NodeId b);
  NodeId negate(NodeId a);
  /// Integer exponents by squaring, other ones as exp(exponent log base).
  NodeId power(NodeId base, NodeId exponent);
  /// One of the primitives exp, log, ..., softplus.
  NodeId function(Primitive primitive, NodeId a);
  /// One of the primitives minimum, maximum, less, not_less.
  NodeId choose(Primitive primitive, NodeId a, NodeId b);
  NodeId where(NodeId condition, NodeId a);

  NodeId size() const { return static_cast<NodeId>(nodes_.size()); }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  /// Number of nodes that are no loads.
  int operations() const { return operations_; }
  /// The value of a constant; null for other nodes.
  const long double* constant_at(NodeId id) const;

 private:
  bool is(NodeId id, Primitive primitive) const { return node(id).primitive == primitive; }
  bool is_constant(NodeId id, long double value) const;
  bool are_constants(NodeId a, NodeId b) const;
  NodeId load(Primitive primitive, int index) { return find_or_append(primitive, index, 0); }
  /// Adds an operation as it is, without simplifications.
  NodeId operation(Primitive primitive, NodeId a, NodeId b = 0);
  /// Adds an operation whose operands may be exchanged; both orders give one node.
  NodeId commutative(Primitive primitive, NodeId a, NodeId b);
  NodeId find_or_append(Primitive primitive, int a, int b);
  NodeId folded(Primitive primitive, NodeId a, NodeId b);
  NodeId times_constant(long double c, NodeId a);
  NodeId over_constant(NodeId a, NodeId divisor);
  NodeId integer_power(NodeId base, long exponent);

  std::vector<Node> nodes_;
  std::vector<long double> constants_;
  std::map<std::tuple<Primitive, int, int>, NodeId> known_;
  std::map<long double, int> known_constants_;
  int operations_ = 0;
};

}  // namespace gmdiff::expressions
