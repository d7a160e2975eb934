#include "model/expression/derivatives.hpp"

#include <algorithm>

// Derivatives as further operations (mathematics.md §13.1).

namespace gmdiff::expressions {
namespace {

std::size_t at(NodeId id) { return static_cast<std::size_t>(id); }

/// One operand of an operation, and a factor w: appends w times the partial derivative of the operation with
/// respect to the operand. Both sweeps consist of these products.
class PartialDerivative {
 public:
  PartialDerivative(Graph& graph, NodeId operation, int operand, NodeId w)
      : graph_(graph), r_(operation), node_(graph.node(operation)), is_first_(operand == 0), w_(w) {}

  /// The product; `no_node` if the partial derivative is 0 everywhere.
  NodeId append() {
    switch (node_.primitive) {
      case Primitive::constant:
      case Primitive::position:
      case Primitive::direction:
      case Primitive::time:
      case Primitive::sign:
      case Primitive::less:
      case Primitive::not_less:
        return no_node;
      case Primitive::negate:
        return graph_.negate(w_);
      case Primitive::exp:
        return times(r_);
      case Primitive::log:
        return graph_.divide(w_, a());
      case Primitive::sqrt:  // w / (2 r)
        return graph_.divide(graph_.multiply(graph_.constant(0.5L), w_), r_);
      case Primitive::sine:
        return times(graph_.function(Primitive::cosine, a()));
      case Primitive::cosine:
        return graph_.negate(times(graph_.function(Primitive::sine, a())));
      case Primitive::tanh:  // w (1 - r^2)
        return times(graph_.subtract(graph_.constant(1.0L), graph_.multiply(r_, r_)));
      case Primitive::abs:
        return times(graph_.function(Primitive::sign, a()));
      case Primitive::sigmoid:  // w r (1 - r), where 1 - r would lose digits
        return times(graph_.multiply(r_, graph_.function(Primitive::sigmoid, graph_.negate(a()))));
      case Primitive::softplus:
        return times(graph_.function(Primitive::sigmoid, a()));
      case Primitive::add:
        return w_;
      case Primitive::subtract:
        return is_first_ ? w_ : graph_.negate(w_);
      case Primitive::multiply:
        return times(is_first_ ? b() : a());
      case Primitive::divide:
        return of_quotient();
      case Primitive::minimum:
        return where_chosen(b(), a());
      case Primitive::maximum:
        return where_chosen(a(), b());
      case Primitive::where:
        return is_first_ ? no_node : graph_.where(a(), w_);
    }
    return no_node;
  }

 private:
  NodeId a() const { return node_.a; }
  NodeId b() const { return node_.b; }
  NodeId times(NodeId factor) { return graph_.multiply(w_, factor); }

  /// w / b, or -w r / b for the divisor.
  NodeId of_quotient() {
    const NodeId over = graph_.divide(w_, b());
    return is_first_ ? over : graph_.negate(graph_.multiply(over, r_));
  }

  /// w where the extremum is the operand. It is the second one if x < y, so a tie counts for the first.
  NodeId where_chosen(NodeId x, NodeId y) {
    return graph_.where(graph_.choose(is_first_ ? Primitive::not_less : Primitive::less, x, y), w_);
  }

  Graph& graph_;
  NodeId r_;
  Node node_;  // a copy, because the graph grows
  bool is_first_;
  NodeId w_;
};

void accumulate(Graph& graph, NodeId& sum, NodeId term) {
  if (term != no_node) sum = sum == no_node ? term : graph.add(sum, term);
}

/// Sum of partial derivatives times the tangents of the operands; `no_node` for 0.
NodeId append_tangent(Graph& graph, NodeId id, const std::vector<NodeId>& tangents) {
  const Node node = graph.node(id);
  if (node.primitive == Primitive::position) return graph.direction(node.a);
  NodeId sum = no_node;
  for (int i = 0; i < arity(node.primitive); ++i) {
    const NodeId tangent = tangents[at(node.operand(i))];
    if (tangent != no_node) accumulate(graph, sum, PartialDerivative(graph, id, i, tangent).append());
  }
  return sum;
}

/// Adds the products of an adjoint with the partial derivatives to the adjoints of the operands.
void propagate(Graph& graph, NodeId id, std::vector<NodeId>& adjoints) {
  const Node node = graph.node(id);
  for (int i = 0; i < arity(node.primitive); ++i) {
    const NodeId to = node.operand(i);
    if (!graph.node(to).depends_on_position) continue;
    accumulate(graph, adjoints[at(to)], PartialDerivative(graph, id, i, adjoints[at(id)]).append());
  }
}

/// Whether some of the nodes depend on a node, for every node of the graph.
std::vector<bool> needed_for(const Graph& graph, const std::vector<NodeId>& nodes) {
  std::vector<bool> needed(at(graph.size()), false);
  for (const NodeId id : nodes) needed[at(id)] = true;
  for (NodeId id = graph.size() - 1; id >= 0; --id) {
    const Node& node = graph.node(id);
    for (int i = 0; needed[at(id)] && i < arity(node.primitive); ++i) needed[at(node.operand(i))] = true;
  }
  return needed;
}

}  // namespace

std::vector<NodeId> append_gradient(Graph& graph, NodeId value, int dim) {
  std::vector<NodeId> gradient(static_cast<std::size_t>(dim), graph.constant(0.0L));
  std::vector<NodeId> adjoints(at(value) + 1, no_node);
  adjoints[at(value)] = graph.constant(1.0L);
  for (NodeId id = value; id >= 0; --id) {
    if (adjoints[at(id)] == no_node) continue;
    const Node node = graph.node(id);
    if (node.primitive == Primitive::position) {
      gradient[at(node.a)] = adjoints[at(id)];
    } else {
      propagate(graph, id, adjoints);
    }
  }
  return gradient;
}

std::vector<NodeId> append_jacobian_vp(Graph& graph, const std::vector<NodeId>& nodes) {
  const std::vector<bool> needed = needed_for(graph, nodes);
  std::vector<NodeId> tangents(needed.size(), no_node);
  for (NodeId id = 0; id < static_cast<NodeId>(needed.size()); ++id) {
    if (needed[at(id)] && graph.node(id).depends_on_position) {
      tangents[at(id)] = append_tangent(graph, id, tangents);
    }
  }
  std::vector<NodeId> products;
  products.reserve(nodes.size());
  for (const NodeId id : nodes) {
    products.push_back(tangents[at(id)] == no_node ? graph.constant(0.0L) : tangents[at(id)]);
  }
  return products;
}

}  // namespace gmdiff::expressions
